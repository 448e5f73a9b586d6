#pragma once

#include <unordered_map>

#include <kiln/autograd/node.h>

// Internal, for the engine: the nodes that have received a gradient, and what they received.

namespace kiln::autograd {

// A priority queue, the node of the highest rank first. A node knows its slot here, so that adding a gradient
// costs no look-up; one that another backward holds (the one outside a hook, or another thread's) is looked
// up.
class PendingGradients {
 public:
  PendingGradients() = default;
  PendingGradients(const PendingGradients&) = delete;
  ~PendingGradients();

  // The gradients of the node's outputs so far; the node is queued when it was not.
  Gradients& at(Node& node);
  // Takes the highest node and its gradients out; null when there is none.
  Node* pop(Gradients& grads);

 private:
  struct Slot {
    Node* node;
    Gradients grads;
    uint64_t arrival;
  };
  struct Lower {
    const std::vector<Slot>& slots;
    bool operator()(size_t a, size_t b) const {
      const Slot &x = slots[a], &y = slots[b];
      return x.node->rank != y.node->rank ? x.node->rank < y.node->rank : x.arrival > y.arrival;
    }
  };
  size_t add(Node& node);
  void let_go(Node& node);

  std::vector<Slot> slots_;
  std::vector<size_t> free_, heap_;  // indices of slots
  std::unordered_map<const Node*, size_t> elsewhere_;
  uint64_t arrivals_ = 0;
};

}  // namespace kiln::autograd
