#include <atomic>

#include <kiln/autograd/engine.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/record.h>
#include <kiln/autograd/slot.h>
#include <kiln/tensor/base/fail.h>

// The methods of Tensor that speak of gradients.

namespace kiln {

using autograd::Slot;
using autograd::slot_of;

bool Tensor::requires_grad() const {
  if (!defined()) fail("requires_grad: the tensor is undefined");
  const Slot* slot = slot_of(*impl_);
  if (slot != nullptr && (slot->requires_grad || slot->edge.node)) return true;
  return impl_->base && bool(autograd::edge_of(*this).node);
}

const Tensor& Tensor::requires_grad_(bool value) const {
  if (!defined()) fail("requires_grad_: the tensor is undefined");
  if (value && !is_floating(dtype()))
    fail("requires_grad_: only floating-point tensors have gradients, this one holds {}", dtype());
  if (!is_leaf()) {
    if (value) return *this;
    fail("requires_grad_: this tensor came from {}; only a leaf can be switched off, use detach()",
         autograd::op_name(*this));
  }
  if (value || impl_->slot != nullptr) autograd::ensure_slot(*impl_).requires_grad = value;
  return *this;
}

bool Tensor::is_leaf() const {
  if (!defined()) fail("is_leaf: the tensor is undefined");
  const autograd::Edge edge = autograd::edge_of(*this);
  return !edge.node || edge.node->is_leaf();
}

Tensor Tensor::grad() const {
  if (!defined()) fail("grad: the tensor is undefined");
  const Slot* slot = slot_of(*impl_);
  if (slot == nullptr) return {};
  return slot->retained && slot->edge.node ? slot->retained->grad : slot->grad;
}

void Tensor::set_grad(const Tensor& grad) const {
  if (!defined()) fail("set_grad: the tensor is undefined");
  if (grad.defined() && (grad.shape() != shape() || grad.dtype() != dtype() || grad.device() != device()))
    fail("set_grad: the tensor is {} {} on {}, the gradient {} {} on {}", dtype(), shape(), device(),
         grad.dtype(), grad.shape(), grad.device());
  if (grad.is_same(*this)) fail("set_grad: a tensor cannot be its own gradient");
  if (!grad.defined() && impl_->slot == nullptr) return;
  Slot& slot = autograd::ensure_slot(*impl_);
  (slot.retained && slot.edge.node ? slot.retained->grad : slot.grad) = grad;
}

void Tensor::retain_grad() const {
  if (!defined()) fail("retain_grad: the tensor is undefined");
  const autograd::Edge edge = autograd::edge_of(*this);
  if (!edge.node) fail("retain_grad: the tensor does not require grad");
  if (edge.node->is_leaf()) return;
  Slot& slot = autograd::ensure_slot(*impl_);
  if (slot.retained) return;
  slot.retained = Ref<autograd::RetainedGrad>(new autograd::RetainedGrad);
  slot.set_edge(edge);
}

Tensor Tensor::detach() const {
  if (!defined()) fail("detach: the tensor is undefined");
  Ref<TensorImpl> impl(new TensorImpl);
  impl->storage = impl_->storage;
  impl->layout = impl_->layout;
  impl->dtype = impl_->dtype;
  return Tensor(std::move(impl));
}

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
  if (gradient.defined())
    autograd::backward({*this}, {gradient}, {.retain_graph = retain_graph, .create_graph = create_graph});
  else
    autograd::backward({*this}, {}, {.retain_graph = retain_graph, .create_graph = create_graph});
}

namespace detail {
void require_grad(const Tensor& x);  // what empty() of the tensor layer calls
void require_grad(const Tensor& x) { x.requires_grad_(); }
}  // namespace detail

namespace autograd {

int64_t register_hook(const Tensor& x, Hook hook) {
  static std::atomic<int64_t> next_id = 1;
  const Edge edge = edge_of(x);
  if (!edge.node) fail("register_hook: the tensor does not require grad");
  if (!hook) fail("register_hook: the function is empty");
  const int64_t id = next_id++;
  extras_of(*edge.node).hooks.emplace_back(new HookEntry(edge.output, id, std::move(hook)));
  return id;
}

void remove_hook(const Tensor& x, int64_t id) {
  const Edge edge = edge_of(x);
  if (!edge.node) fail("remove_hook: the tensor does not require grad");
  if (!edge.node->extras || std::erase_if(edge.node->extras->hooks,
                                          [id](const Ref<HookEntry>& entry) { return entry->id == id; }) == 0)
    fail("remove_hook: the tensor has no hook number {}", id);
}

void set_grad_home(const Tensor& x, const Tensor& home) {
  if (!x.is_leaf()) fail("set_grad_home: the tensor came from {}; only a leaf keeps gradients", op_name(x));
  if (home.defined() && (home.shape() != x.shape() || home.dtype() != x.dtype()))
    fail("set_grad_home: the tensor is {} {}, its home {} {}", x.dtype(), x.shape(), home.dtype(),
         home.shape());
  ensure_slot(*x.impl()).grad_home = home;
}

const char* op_name(const Tensor& x) {
  const Edge edge = edge_of(x);
  return !edge.node || edge.node->is_leaf() ? "" : edge.node->name;
}

}  // namespace autograd
}  // namespace kiln
