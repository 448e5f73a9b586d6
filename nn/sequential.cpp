#include <kiln/nn/sequential.h>

#include <kiln/nn/layers/activation.h>
#include <kiln/nn/layers/batch_norm.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

void ModuleContainer::visit_NN_MEMBERS(MemberVisitor& visitor) {
  visitor.extent(this, sizeof(ModuleContainer));
  for (size_t i = 0; i < children_.size(); ++i) visitor.any_module(names_[i], children_[i]);
}

size_t ModuleContainer::checked(int64_t index) const {
  const int64_t count(size());
  if (index < -count || index >= count) fail("{}: there is no module {} among {}", type_name(), index, count);
  return size_t(index < 0 ? index + count : index);
}

void ModuleContainer::push_back(AnyModule module) { push_back(std::to_string(size()), std::move(module)); }

void ModuleContainer::push_back(std::string name, AnyModule module) {
  if (name.empty() || name.find('.') != std::string::npos)
    fail("{}: a module's name must not be empty or have a dot, got '{}'", type_name(), name);
  if (module.empty()) fail("{}: the module '{}' is an empty AnyModule", type_name(), name);
  if (index_.find_or_add(name, [&](size_t i) -> std::string_view { return names_[i]; }) != NameIndex::kNew)
    fail("{}: there already is a module '{}'", type_name(), name);
  names_.push_back(std::move(name));
  children_.push_back(std::move(module));
}

Tensor Sequential::operator()(const Tensor& x) const { return detail::call(*this, x); }

namespace {

// Only ReLU itself, which computes what it is known to compute, and which nobody watches.
bool is_plain_relu(const AnyModule& held) {
  const Module& module = held.module();
  return typeid(module) == typeid(ReLU) && !module.has_hooks();
}

bool is_batch_norm(const AnyModule& held) {
  const Module& module = held.module();
  return typeid(module) == typeid(BatchNorm2d);
}

}  // namespace

Tensor Sequential::forward(const Tensor& x) const {
  Tensor y = x;
  for (size_t i = 0; i < children_.size(); ++i) {
    const bool fuses =
        i + 1 < children_.size() && is_plain_relu(children_[i + 1]) && is_batch_norm(children_[i]);
    if (fuses)
      y = static_cast<BatchNorm2d&>(children_[i++].module()).relu(y);
    else
      y = children_[i](y);
  }
  return y;
}

}  // namespace kiln::nn
