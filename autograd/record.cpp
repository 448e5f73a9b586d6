#include <kiln/autograd/record.h>

#include <kiln/autograd/engine.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/slot.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::autograd {
namespace {

// Part of a dense gradient of the base: the gradient of a view of it.
Layout relative_to(const Layout& view, const Layout& base) {
  Layout layout = view;
  layout.offset -= base.offset;
  return layout;
}

}  // namespace

Saved::Saved(const Tensor& x, bool is_output) {
  if (!x.defined()) return;
  storage_ = x.impl()->storage;
  layout_ = x.layout();
  dtype_ = x.dtype();
  version_ = storage_->version;
  is_output_ = is_output;
  if (!is_output && grad_enabled()) edge_ = edge_of(x);
}

Tensor Saved::get() const {
  if (!storage_) return {};
  if (storage_->version != version_)
    fail(
        "backward of {}: a {} tensor {} that it saved was changed in place afterwards{}{}; use the "
        "out-of-place form there, "
        "or clone() before",
        current_node() == nullptr ? "a released graph" : current_node()->name, dtype_, layout_.shape,
        storage_->last_write == nullptr ? "" : " by ",
        storage_->last_write == nullptr ? "" : storage_->last_write);
  Ref<TensorImpl> impl(new TensorImpl);
  impl->storage = storage_;
  impl->layout = layout_;
  impl->dtype = dtype_;
  if (grad_enabled()) {
    if (is_output_ && current_node() != nullptr)
      ensure_slot(*impl).edge = {Ref<Node>(current_node()), 0};
    else if (edge_.node && edge_.node->is_leaf())
      return Tensor(Ref<TensorImpl>(static_cast<LeafNode*>(edge_.node.get())->leaf));
    else if (edge_.node)
      ensure_slot(*impl).edge = edge_;
  }
  return Tensor(std::move(impl));
}

void begin_in_place(const char* op, const Tensor& x) {
  if (!x.defined()) fail("{}: the tensor is undefined", op);
  if (is_storage_only(x.dtype())) fail("{}: {} is storage only", op, x.dtype());
  if (!x.layout().is_contiguous() && !x.layout().is_non_overlapping())
    fail(
        "{}: x {} with strides {} reaches one element by several indices; clone() it before writing in place",
        op, x.shape(), x.strides());
  if (grad_enabled()) {
    const Ref<TensorImpl>& owner = x.impl()->base ? x.impl()->base : x.impl();
    if (const Slot* slot = slot_of(*owner); slot != nullptr && slot->requires_grad && !slot->edge.node)
      fail(
          "{}: x {} is {}a leaf that requires grad, so it cannot be written in place while gradients are "
          "recorded; "
          "use the out-of-place form, or a NoGrad scope",
          op, x.shape(), x.impl()->base ? "a view of " : "");
  }
  ++x.impl()->storage->version;
  x.impl()->storage->last_write = op;
}

namespace detail {

bool wants_grad(const Tensor& x) {
  if (!x.defined()) return false;
  const TensorImpl& impl = *x.impl();
  if (const Slot* slot = slot_of(impl); slot != nullptr && (slot->requires_grad || slot->edge.node))
    return true;
  if (!impl.base) return false;
  // A view made before its base got a history in place.
  const Slot* base = slot_of(*impl.base);
  return base != nullptr && base->edge.node && base->history != 0;
}

bool wants_record(Inputs inputs) {
  if (!grad_enabled()) return false;
  for (const Input& input : inputs)
    if (wants_grad(*input.tensor)) return true;
  return false;
}

bool wants_record(std::span<const Tensor> inputs) {
  if (!grad_enabled()) return false;
  for (const Tensor& input : inputs)
    if (wants_grad(input)) return true;
  return false;
}

namespace {
bool has_history(const Tensor& y) {
  const Slot* slot = slot_of(*y.impl());
  return slot != nullptr && (slot->edge.node || slot->requires_grad);
}
}  // namespace

void check_result(const char* op, const Tensor& y) {
  if (!y.defined()) fail("{}: its result is an undefined tensor", op);
}

Tensor without_history(Tensor y) { return has_history(y) ? y.detach() : std::move(y); }

void check_results(const char* op, const Tensors& ys) {
  for (size_t i = 0; i < ys.size(); ++i) {
    if (!ys[i].defined()) fail("{}: its result {} is an undefined tensor", op, i);
    if (has_history(ys[i]))
      fail("{}: its result {} has a history already, or is a leaf that requires grad; give a new tensor", op,
           i);
  }
}

void link(Node& node, Inputs inputs) {
  for (const Input& input : inputs) node.add_input(edge_of(*input.tensor));
}

void link(Node& node, std::span<const Tensor> inputs) {
  for (const Tensor& input : inputs) node.add_input(edge_of(input));
}

void set_history(const Tensor& y, Ref<Node> node, int output) {
  Slot& slot = ensure_slot(*y.impl());
  slot.set_edge({std::move(node), output});
  slot.requires_grad = false;
  if (y.impl()->base)
    if (const Slot* base = slot_of(*y.impl()->base)) slot.base_history = base->history;
}

void set_history(const Tensor& y, Ref<Node> node) {
  node->outputs.push_back(Result(y));
  set_history(y, std::move(node), 0);
}

Tensor make_view(const char* op, const Tensor& x, const Layout& layout) {
  layout.check(op);
  Ref<TensorImpl> impl(new TensorImpl);
  impl->storage = x.impl()->storage;
  impl->layout = layout;
  impl->dtype = x.dtype();
  if (grad_enabled()) impl->base = x.impl()->base ? x.impl()->base : x.impl();
  return Tensor(std::move(impl));
}

// The new value of x came from `node`. When x is a view, its base's value is now "the old one with this part
// replaced", and x becomes a view of that.
void rebase_history(const Tensor& x, Ref<Node> node) {
  const Ref<TensorImpl>& base_impl = x.impl()->base;
  if (!base_impl) {
    set_history(x, std::move(node));
    ++ensure_slot(*x.impl()).history;
    return;
  }
  const Tensor base(base_impl);
  const Layout part = relative_to(x.layout(), base.layout());
  const Layout dense = Layout{base.shape(), base.strides(), 0};
  const Tensor value = from_storage(x.impl()->storage, x.dtype(), x.layout());
  set_history(value, std::move(node));
  Ref<Node> merged(new RuleNode("view_write", [part, dense](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return strided_assign(g, zeros(part.shape, like(g)), dense, part); },
        [&] { return strided_part(g, dense, part); });
  }));
  link(*merged, {base, value});
  set_history(base, std::move(merged));
  ++ensure_slot(*base_impl).history;
  edge_of(x);  // renews x's own history
}

}  // namespace detail
}  // namespace kiln::autograd
