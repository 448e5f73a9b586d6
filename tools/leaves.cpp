#include <kiln/tools/leaves.h>

#include <algorithm>
#include <tuple>

#include <kiln/tensor/value/value_walk.h>

namespace kiln::tools {
namespace {

bool has_tensor(const Value& value, const char* name) {
  const Value* found = value.find(name);
  return found != nullptr && found->is_tensor();
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
    out.push_back({is_whole ? key : key + "#" + kiln::to_string(name),
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
  for (ValueWalk walk(value, '.'); walk.next();) {
    const Value& found = walk.value();
    if (found.is_tensor())
      leaves.push_back({walk.path(), &found.as_tensor(), {}, name_of(found.as_tensor().dtype())});
    else if (found.is_object() && add_parts(found, walk.path(), leaves))
      walk.skip();
  }

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

const Value* attributes_of(const Value& value) {
  if (!value.is_object() || !value.attributes().is_dict()) return nullptr;
  const Value* found = value.attributes().find("__dict__");
  return found != nullptr && found->is_dict() ? found : nullptr;
}

std::vector<Foreign> foreign_arrays(const Value& value) {
  std::vector<Foreign> arrays;
  for (ValueWalk walk(value, '.'); walk.next();) {
    const Value& found = walk.value();
    if (!found.is_object() || found.type() != "numpy.ndarray") continue;
    const Value *dtype = found.find("dtype"), *shape = found.find("shape");
    if (dtype == nullptr || !dtype->is_string() || shape == nullptr || !shape->is_tuple()) continue;
    if (dtype->as_string().find('O') != std::string::npos) continue;  // objects are walked
    std::string sizes;
    for (const Value& size : shape->items()) sizes += (sizes.empty() ? "" : "x") + to_string(size);
    arrays.push_back({walk.path(), dtype->as_string(), sizes.empty() ? "scalar" : sizes});
  }
  return arrays;
}

}  // namespace kiln::tools
