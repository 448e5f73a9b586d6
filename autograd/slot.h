#pragma once

#include <kiln/autograd/node.h>
#include <kiln/tensor/function.h>

// For the sources of autograd: what hangs on a tensor.

namespace kiln::autograd {

using Hook = Function<Tensor(const Tensor& grad)>;

struct Slot;

struct HookEntry {
  int output;
  int64_t id;
  Hook hook;
};

// What few nodes have.
struct NodeExtras {
  std::vector<HookEntry> hooks;
  std::vector<std::pair<int, Slot*>> retained;  // outputs whose tensors keep their gradient
  std::string call_site;                        // recorded in anomaly mode
};
NodeExtras& extras_of(Node& node);

// The end of the graph at a leaf: adds what arrives to the tensor's .grad.
struct LeafNode final : Node {
  Ref<TensorImpl> leaf;

  explicit LeafNode(Ref<TensorImpl> tensor);
  ~LeafNode() override;
  Gradients backward(const Gradients& grads) override;
  bool release() override { return false; }
  bool is_leaf() const override { return true; }
};

struct Slot final : AutogradSlot {
  bool requires_grad = false;  // of a leaf
  Edge edge;                   // where the value came from; empty for a leaf
  LeafNode* leaf = nullptr;    // not owned: the graph owns it, and it clears this when it goes
  Tensor grad;
  Tensor grad_home;              // memory an optimiser wants the gradient in
  std::vector<HookEntry> hooks;  // of a leaf
  uint32_t history = 0;          // in-place ops that gave this tensor a new history
  uint32_t base_history = 0;     // of a view: the base's `history` when `edge` was made

  ~Slot() override;
};

inline Slot* slot_of(const TensorImpl& impl) { return static_cast<Slot*>(impl.slot); }
Slot& ensure_slot(TensorImpl& impl);

// The edge that a recording op links to, empty when x wants no gradient.
Edge edge_of(const Tensor& x);

}  // namespace kiln::autograd
