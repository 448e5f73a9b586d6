#include <kiln/tools/leaves.h>

#include <algorithm>
#include <tuple>

namespace kiln::tools {
namespace {

void collect(const Value& value, const std::string& key, std::vector<Leaf>& out) {
  const auto below = [&](const std::string& name) { return key.empty() ? name : key + "." + name; };
  if (value.is_tensor()) {
    out.push_back({key, &value.as_tensor(), {}});
  } else if (value.kind() >= Value::Kind::dict) {
    for (const auto& [name, child] : value.entries()) collect(child, below(to_string(name)), out);
  } else if (value.is_list() || value.is_tuple()) {
    for (size_t i = 0; i < value.size(); ++i) collect(value.items()[i], below(std::to_string(i)), out);
  }
}

struct Range {
  const Storage* storage;
  int64_t begin, end;
  size_t leaf;
};

}  // namespace

std::vector<Leaf> leaves_of(const Value& value) {
  std::vector<Leaf> leaves;
  collect(value, "", leaves);

  // A whole file may be one storage, so it is the ranges that tell.
  std::vector<Range> ranges;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const Tensor& x = *leaves[i].tensor;
    const int64_t width = size_of(x.dtype()), begin = x.layout().offset * width;
    if (x.numel() > 0)
      ranges.push_back({x.impl()->storage.get(), begin, begin + x.layout().span() * width, i});
  }
  std::ranges::sort(ranges, {}, [](const Range& r) { return std::tuple(r.storage, r.begin, r.leaf); });
  for (size_t first = 0; first < ranges.size();) {
    size_t last = first, earliest = ranges[first].leaf;
    for (int64_t end = ranges[first].end; last < ranges.size(); ++last) {
      const Range& r = ranges[last];
      if (r.storage != ranges[first].storage || (last > first && r.begin >= end)) break;
      end = std::max(end, r.end);
      earliest = std::min(earliest, r.leaf);
    }
    for (; first < last; ++first)
      if (ranges[first].leaf != earliest) leaves[ranges[first].leaf].shares = leaves[earliest].key;
  }
  return leaves;
}

}  // namespace kiln::tools
