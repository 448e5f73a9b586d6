#include <kiln/nn/module.h>

#include <cxxabi.h>

#include <memory>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>
#include <unordered_set>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/slot.h>
#include <kiln/nn/members.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

Parameter::Parameter(const Tensor& x) : Tensor(x.defined() ? x.detach() : x) {
  if (defined()) requires_grad_();
}

int64_t Module::flops(const Tensors&, const Tensors&) const { return 0; }

std::string class_name(std::string_view full) {
  full = full.substr(0, full.find('<'));
  const size_t colons = full.rfind("::");
  return std::string(colons == full.npos ? full : full.substr(colons + 2));
}

std::string Module::type_name() const {
  // What typeid reads: the entry in front of the virtual functions. A class that was compiled with -fno-rtti
  // has none there.
  const std::type_info* type = (*reinterpret_cast<const std::type_info* const* const*>(this))[-1];
  if (type == nullptr) return "Module";
  const std::unique_ptr<char, void (*)(void*)> full(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, nullptr), std::free);
  return class_name(full ? full.get() : type->name());
}

namespace {

template <class Select>
NamedTensors named_tensors(const Module& module, Select&& select) {
  NamedTensors result;
  std::unordered_set<const TensorImpl*> seen;
  walk(visitable(module), "", [&](const std::string& path, Module&, const Members& members) {
    for (const auto& [name, x] : select(members))
      if (x->defined() && seen.insert(x->impl().get()).second) result.push_back({join(path, name), *x});
  });
  return result;
}

Tensors without_names(const NamedTensors& named) {
  Tensors result;
  result.reserve(named.size());
  for (const auto& entry : named) result.push_back(entry.tensor);
  return result;
}

}  // namespace

NamedTensors Module::named_parameters() const {
  return named_tensors(
      *this, [](const Members& members) -> auto& { return members.parameters; });
}
NamedTensors Module::named_buffers() const {
  return named_tensors(
      *this, [](const Members& members) -> auto& { return members.buffers; });
}
Tensors Module::parameters() const { return without_names(named_parameters()); }
Tensors Module::buffers() const { return without_names(named_buffers()); }

std::vector<NamedModule> Module::named_modules() const {
  std::vector<NamedModule> result;
  walk(visitable(*this), "", [&](const std::string& path, Module& module, const Members&) {
    result.push_back({path, module});
  });
  return result;
}

std::vector<NamedModule> Module::named_children() const {
  std::vector<NamedModule> result;
  for (const auto& [name, child] : Members(visitable(*this)).modules) result.push_back({name, *child});
  return result;
}

// A gradient's memory of another kind does not fit any more; an optimiser gives a new one. Gradients arrive
// as what the tensor is now.
void set_data(const Tensor& x, const Tensor& value) {
  TensorImpl& impl = *x.impl();
  autograd::Slot* slot = autograd::slot_of(impl);
  if (slot != nullptr && slot->grad_home.defined()) {
    const Tensor& home = slot->grad_home;
    if (home.dtype() != value.dtype() || home.device() != value.device() || home.shape() != value.shape() ||
        home.strides() != value.strides())
      slot->grad_home = Tensor();
  }
  impl.storage = value.impl()->storage;
  impl.layout = value.layout();
  impl.dtype = value.dtype();
  if (slot != nullptr && slot->leaf != nullptr) slot->leaf->outputs[0] = autograd::Result(impl);
}

namespace {

template <class Convert>
void convert_all(const Module& module, Convert&& convert) {
  const NoGrad no_grad;
  const auto convert_one = [&](const Tensor& x) {
    const Tensor grad = x.grad();
    set_data(x, convert(x));
    if (grad.defined()) x.set_grad(convert(grad));
  };
  for (const Tensor& x : module.parameters()) convert_one(x);
  for (const Tensor& x : module.buffers()) convert_one(x);
}

}  // namespace

Module& Module::to(Device device) {
  convert_all(*this, [&](const Tensor& x) { return x.to(device); });
  return *this;
}

Module& Module::to(DType dtype) {
  if (!is_floating(dtype)) fail("to: a module's dtype must be floating, got {}", dtype);
  convert_all(*this, [&](const Tensor& x) { return x.is_floating_point() ? x.to(dtype) : x; });
  return *this;
}

Module& Module::to(MemoryFormat format) {
  convert_all(*this, [&](const Tensor& x) { return x.dim() == 4 ? x.contiguous(format) : x; });
  return *this;
}

Module& Module::train(bool mode) {
  walk(*this, "", [&](const std::string&, Module& module, const Members&) { module.training_ = mode; });
  return *this;
}

Module& Module::requires_grad_(bool value) {
  for (const Tensor& x : parameters()) x.requires_grad_(value);
  return *this;
}

void Module::zero_grad(bool set_to_none) {
  const NoGrad no_grad;
  for (const Tensor& x : parameters()) {
    if (set_to_none)
      x.set_grad({});
    else if (const Tensor grad = x.grad(); grad.defined())
      grad.detach().zero_();
  }
}

Module& Module::apply(const Function<void(Module&)>& f) {
  for (const auto& [name, child] : Members(*this).modules) child->apply(f);
  f(*this);
  return *this;
}

namespace {

struct Unshare final : MemberVisitor {
  std::unordered_map<const TensorImpl*, Parameter> parameters;
  std::unordered_map<const TensorImpl*, Tensor> buffers;

  void parameter(std::string_view, Parameter& x) override {
    if (!x.defined()) return;
    Parameter& copy = parameters[x.impl().get()];
    if (!copy.defined()) {
      copy = Parameter(x.detach().clone());
      copy.requires_grad_(x.requires_grad());
    }
    x = copy;
  }
  void buffer(std::string_view, Buffer& x) override {
    if (!x.defined()) return;
    Tensor& copy = buffers[x.impl().get()];
    if (!copy.defined()) copy = x.detach().clone();
    x = Buffer(copy, x.persistent);
  }
  void module(std::string_view, Module& x) override { x.visit_members(*this); }
};

}  // namespace

namespace detail {

std::string_view next_name(std::string_view& names) {
  const size_t comma = names.find(',');
  std::string_view name = names.substr(0, comma);
  names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  const size_t start = name.find_first_not_of(' ');
  return name.substr(start, name.find_last_not_of(' ') + 1 - start);
}

void unshare(Module& module) {
  Unshare visitor;
  module.visit_members(visitor);
}

}  // namespace detail
}  // namespace kiln::nn
