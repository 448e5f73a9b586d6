#pragma once

#include <kiln/autograd/node.h>

// For the engine: the nodes that have received a gradient, and what they received.

namespace kiln::autograd {

// A priority queue, the newest node first. A node knows its slot here, so that adding a gradient costs no
// look-up; a backward that runs inside another one (from a hook) borrows the nodes they share and gives them
// back. One thread at a time may run backward through a node.
class PendingGradients {
 public:
  PendingGradients() = default;
  PendingGradients(const PendingGradients&) = delete;
  ~PendingGradients();

  // The gradients of the node's outputs so far; the node is queued when it was not.
  Gradients& at(Node& node);
  // Takes the newest node and its gradients out; null when there is none.
  Node* pop(Gradients& grads);

 private:
  struct Slot {
    Node* node;
    Gradients grads;
    PendingPlace before;  // of the backward outside
  };
  struct Older {
    const std::vector<Slot>& slots;
    bool operator()(size_t a, size_t b) const { return slots[a].node->sequence < slots[b].node->sequence; }
  };

  std::vector<Slot> slots_;
  std::vector<size_t> free_, heap_;  // indices of slots
};

}  // namespace kiln::autograd
