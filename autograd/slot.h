#pragma once

#include <kiln/autograd/homecoming.h>
#include <kiln/autograd/node.h>
#include <kiln/tensor/base/function.h>
#include <kiln/tensor/base/lock.h>

// Internal, for the sources of autograd: what hangs on a tensor.

namespace kiln::autograd {

using Hook = Function<Tensor(const Tensor& grad)>;

struct HookEntry : RefCounted {
  int output;
  int64_t id;
  Hook hook;

  HookEntry(int of_output, int64_t number, Hook function)
      : output(of_output), id(number), hook(std::move(function)) {}
  static void destroy(HookEntry* entry) { delete entry; }
};

// The gradient of a tensor that came from an op and asked to keep it. Shared by the tensor and the node of
// its present value.
struct RetainedGrad : RefCounted {
  Tensor grad;
  static void destroy(RetainedGrad* retained) { delete retained; }
};

// What few nodes have.
struct NodeExtras {
  std::vector<Ref<HookEntry>> hooks;
  std::vector<std::pair<int, Ref<RetainedGrad>>> retained;  // of these outputs
  std::string call_site;                                    // recorded in anomaly mode
};
NodeExtras& extras_of(Node& node);

// The end of the graph at a leaf: adds what arrives to the tensor's .grad. There is one for each leaf, owned
// by its slot; a handle to it is one to the tensor.
struct LeafNode final : Node {
  TensorImpl* leaf;
  // Held while a gradient is added: any number of threads may run backward into one leaf.
  Lock lock;
  Ref<Homecoming> landing;  // what may still have to bring the gradient to its home

  explicit LeafNode(TensorImpl* tensor);
  Gradients backward(const Gradients& grads) override;
  bool is_leaf() const override { return true; }
};

struct Slot final : AutogradSlot {
  bool requires_grad = false;  // of a leaf
  Edge edge;                   // where the value came from; empty for a leaf
  LeafNode* leaf = nullptr;    // owned; made when first needed, by whichever thread comes first
  Tensor grad;
  Tensor grad_home;            // memory an optimiser wants the gradient in
  Ref<RetainedGrad> retained;  // of a tensor that came from an op
  uint32_t history = 0;        // in-place ops that gave this tensor a new history
  uint32_t base_history = 0;   // of a view: the base's `history` when `edge` was made

  ~Slot() override { delete leaf; }
  // A new value, which a retained gradient is of from now on.
  void set_edge(Edge to);
};

inline Slot* slot_of(const TensorImpl& impl) { return static_cast<Slot*>(impl.slot); }
Slot& ensure_slot(TensorImpl& impl);

// The node of a leaf.
LeafNode& leaf_of(TensorImpl& impl);

// The edge that a recording op links to, empty when x wants no gradient.
Edge edge_of(const Tensor& x);

}  // namespace kiln::autograd
