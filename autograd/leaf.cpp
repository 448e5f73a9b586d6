#include <atomic>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/slot.h>
#include <kiln/tensor/base/fail.h>

// What a tensor keeps for autograd.

namespace kiln::autograd {

LeafNode::LeafNode(TensorImpl* tensor) : Node("leaf"), leaf(tensor) {
  counted = tensor;
  outputs.push_back(Result(*tensor));
}

Gradients LeafNode::backward(const Gradients&) { fail("leaf: the end of a graph has no backward"); }

Slot& ensure_slot(TensorImpl& impl) {
  if (impl.slot == nullptr) impl.slot = new Slot;
  return *slot_of(impl);
}

LeafNode& leaf_of(TensorImpl& impl) {
  const std::atomic_ref<LeafNode*> leaf(slot_of(impl)->leaf);
  LeafNode* here = leaf.load(std::memory_order_acquire);
  if (here != nullptr) return *here;
  auto* made = new LeafNode(&impl);
  if (leaf.compare_exchange_strong(here, made, std::memory_order_acq_rel)) return *made;
  delete made;
  return *here;
}

void Slot::set_edge(Edge to) {
  if (retained && edge.node && edge.node->extras)
    std::erase_if(edge.node->extras->retained,
                  [this](const auto& entry) { return entry.second == retained; });
  edge = std::move(to);
  if (retained && edge.node) extras_of(*edge.node).retained.emplace_back(edge.output, retained);
}

namespace {

// The base was rewritten since the view's history was made: it is a view of the new value.
void renew_history(TensorImpl& view) {
  const Slot* base = slot_of(*view.base);
  const uint32_t history = base == nullptr ? 0 : base->history;
  const uint32_t seen = view.slot == nullptr ? 0 : slot_of(view)->base_history;
  if (history == seen || !base->edge.node) return;
  const Tensor fresh =
      as_strided(Tensor(view.base), view.layout.shape, view.layout.strides, view.layout.offset);
  Slot& slot = ensure_slot(view);
  slot.set_edge(slot_of(*fresh.impl())->edge);
  slot.base_history = history;
}

}  // namespace

Edge edge_of(const Tensor& x) {
  if (!x.defined()) return {};
  TensorImpl& impl = *x.impl();
  if (impl.base) renew_history(impl);
  Slot* slot = slot_of(impl);
  if (slot == nullptr) return {};
  if (slot->edge.node || !slot->requires_grad) return slot->edge;
  return {Ref<Node>(&leaf_of(impl)), 0};
}

}  // namespace kiln::autograd
