#include <kiln/nn/sequential.h>

#include <algorithm>

#include <kiln/tensor/fail.h>

namespace kiln::nn {

namespace detail {

void fail_not_callable(const Module& module) {
  fail(
      "{}: its forward does not take one tensor and give one, so a container cannot call it; use "
      "get<{}>(index)(...)",
      module.type_name(), module.type_name());
}

void fail_other_type(const Module& module, const std::type_info& wanted) {
  fail("{}: the module is not a {}", module.type_name(), demangled(wanted));
}

}  // namespace detail

void ModuleContainer::visit_members(MemberVisitor& visitor) {
  for (size_t i = 0; i < children_.size(); ++i) visitor.module(names_[i], children_[i].module());
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
  if (std::find(names_.begin(), names_.end(), name) != names_.end())
    fail("{}: there already is a module '{}'", type_name(), name);
  names_.push_back(std::move(name));
  children_.push_back(std::move(module));
}

Tensor Sequential::operator()(const Tensor& x) {
  const detail::Running running(*this, sizeof(*this));
  if (!has_hooks()) return forward(x);
  return detail::call_with_hooks(
      *this, [this](const Tensor& hooked) { return forward(hooked); }, x);
}

Tensor Sequential::forward(const Tensor& x) const {
  Tensor y = x;
  for (const AnyModule& module : children_) y = module(y);
  return y;
}

}  // namespace kiln::nn
