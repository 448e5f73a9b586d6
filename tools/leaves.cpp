#include <kiln/tools/leaves.h>

#include <algorithm>
#include <tuple>

namespace kiln::tools {
namespace {

bool has_tensor(const Value& value, const char* name) {
  const Value* found = value.find(name);
  return found != nullptr && found->is_tensor();
}

// Calls f(value, key) for all that is no container, and for the objects.
template <class F>
void each(const Value& value, const std::string& key, F&& f) {
  const auto below = [&](const std::string& name) { return key.empty() ? name : key + "." + name; };
  if (value.is_list() || value.is_tuple()) {
    for (size_t i = 0; i < value.size(); ++i) each(value.items()[i], below(std::to_string(i)), f);
  } else if (value.is_dict() || (value.is_object() && !f(value, key))) {
    for (const auto& [name, child] : value.entries()) each(child, below(to_string(name)), f);
  } else if (!value.is_object()) {
    f(value, key);
  }
}

// The parts of a quantised or sparse tensor (io/load.h).
bool add_parts(const Value& object, const std::string& key, std::vector<Leaf>& out) {
  constexpr std::string_view kTorch = "torch.";
  if (!object.type().starts_with(kTorch) || !has_tensor(object, "values")) return false;
  for (const auto& [name, part] : object.entries()) {  // another class of that kind of name
    const bool is_list = part.is_list() || part.is_tuple();
    const auto is_scalar = [](const Value& item) { return item.kind() < Value::Kind::tensor; };
    if (part.kind() >= Value::Kind::dict || (is_list && !std::ranges::all_of(part.items(), is_scalar)))
      return false;
  }
  const bool is_sparse = object.find("shape") != nullptr;
  for (const auto& [name, part] : object.entries()) {
    if (!part.is_tensor()) continue;
    const bool is_whole = !is_sparse && name == "values";
    out.push_back({is_whole ? key : key + "#" + to_string(name),
                   &part.as_tensor(),
                   {},
                   is_whole ? object.type().substr(kTorch.size()) : name_of(part.as_tensor().dtype())});
  }
  return true;
}

struct Range {
  const Storage* storage;
  int64_t begin, end;
  size_t leaf;
};

}  // namespace

std::vector<Leaf> leaves_of(const Value& value) {
  std::vector<Leaf> leaves;
  each(value, "", [&](const Value& found, const std::string& key) {
    if (found.is_object()) return add_parts(found, key, leaves);
    if (found.is_tensor())
      leaves.push_back({key, &found.as_tensor(), {}, name_of(found.as_tensor().dtype())});
    return true;
  });

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

std::vector<Foreign> foreign_arrays(const Value& value) {
  std::vector<Foreign> arrays;
  each(value, "", [&](const Value& found, const std::string& key) {
    if (!found.is_object() || found.type() != "numpy.ndarray") return false;
    const Value *dtype = found.find("dtype"), *shape = found.find("shape");
    if (dtype == nullptr || !dtype->is_string() || shape == nullptr || !shape->is_tuple()) return false;
    if (dtype->as_string().find('O') != std::string::npos) return false;  // objects are walked
    std::string sizes;
    for (const Value& size : shape->items()) sizes += (sizes.empty() ? "" : "x") + to_string(size);
    arrays.push_back({key, dtype->as_string(), sizes.empty() ? "scalar" : sizes});
    return false;
  });
  return arrays;
}

}  // namespace kiln::tools
