#include <kiln/tools/leaves.h>

#include <algorithm>
#include <tuple>

#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/value_walk.h>

namespace kiln::tools {
namespace {

// The parts of a quantised or sparse tensor, or of one of raw elements.
void add_parts(const Value& object, const std::string& key, std::vector<Leaf>& out) {
  constexpr size_t kTorch = std::string_view("torch.").size();
  const bool is_sparse = io::is_sparse_layout(object.type());
  for (const auto& [name, part] : object.entries()) {
    if (!part.is_tensor()) continue;
    const bool is_whole = !is_sparse && name == "values";
    out.push_back({is_whole ? key : key + "#" + kiln::to_string(name),
                   &part.as_tensor(),
                   {},
                   is_whole ? object.type().substr(kTorch) : name_of(part.as_tensor().dtype())});
  }
}

struct Range {
  const Storage* storage;
  int64_t begin, end;
  size_t leaf;
};

}  // namespace

bool is_tensor_of_parts(const Value& value) {
  if (!value.is_object()) return false;
  constexpr std::string_view kTorch = "torch.";
  const std::string& type = value.type();
  const io::TorchType* raw = type.starts_with(kTorch)
                                 ? io::torch_type_of_name(std::string_view(type).substr(kTorch.size()))
                                 : nullptr;
  if (!io::is_sparse_layout(type) && (raw == nullptr || raw->is_plain)) return false;
  const Value* values = value.find("values");
  if (values == nullptr || !values->is_tensor()) return false;
  return std::ranges::all_of(value.entries(), [](const auto& entry) {  // no other class of that name
    const bool is_list = entry.value.is_list() || entry.value.is_tuple();
    const auto is_scalar = [](const Value& item) { return item.kind() < Value::Kind::tensor; };
    return entry.value.kind() <= Value::Kind::tensor ||
           (is_list && std::ranges::all_of(entry.value.items(), is_scalar));
  });
}

int64_t tensors_in_keys(const Value& value) {
  int64_t walked = 0;
  for (ValueWalk walk(value, '.'); walk.next();) walked += walk.value().is_tensor();
  return int64_t(value.tensors().size()) - walked;
}

std::string in_keys_text(int64_t count) {
  return fmt::format("{} more tensor{} in keys", count, count == 1 ? " is" : "s are");
}

std::vector<Leaf> leaves_of(const Value& value) {
  std::vector<Leaf> leaves;
  for (ValueWalk walk(value, '.'); walk.next();) {
    const Value& found = walk.value();
    if (found.is_tensor())
      leaves.push_back({walk.path(), &found.as_tensor(), {}, name_of(found.as_tensor().dtype())});
    if (is_tensor_of_parts(found)) {
      add_parts(found, walk.path(), leaves);
      walk.skip_content();
    }
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
