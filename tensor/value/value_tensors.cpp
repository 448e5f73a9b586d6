#include <kiln/tensor/value/value_tensors.h>

#include <unordered_map>

#include <kiln/tensor/value/value_box.h>

namespace kiln {

void replace_tensors(Value& value, Function<Tensor(const Tensor&)> replace) {
  ValueAccess::replace_tensors(value, replace);
}

// A box that several refer to becomes one new box for all of them. Those that are done are not looked at
// again, so that the handles here may share what is still to be filled.
void ValueAccess::replace_tensors(Value& value, Function<Tensor(const Tensor&)>& replace) {
  std::unordered_map<const void*, Value> done;
  std::unordered_map<const TensorImpl*, std::pair<Tensor, Tensor>> tensors;  // the old one keeps its address
  std::vector<Value*> pending = {&value};
  while (!pending.empty()) {
    Value& next = *pending.back();
    pending.pop_back();
    if (next.kind() < Value::Kind::tensor) continue;
    const void* const old = box_of(next);
    if (const auto known = done.find(old); known != done.end()) {
      next = known->second;
      continue;
    }
    const bool shared = next.payload_.box->is_shared();
    next.unshare();
    if (shared && !next.payload_.box->open) done.emplace(old, next);
    if (next.is_tensor()) {
      Tensor& tensor = next.payload_.held->tensor;
      auto& [before, after] = tensors[tensor.impl().get()];
      if (!before.defined()) before = tensor, after = replace(tensor);
      tensor = after;
    }
    next.each_child([&](Value& child) { pending.push_back(&child); });
    if (next.kind() >= Value::Kind::dict)
      for (Value::Entry& entry : next.payload_.fields->entries) pending.push_back(&entry.key.value_);
  }
}

}  // namespace kiln
