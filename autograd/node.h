#pragma once

#include <kiln/tensor/box.h>
#include <vector>

#include <kiln/tensor/inline_vector.h>
#include <kiln/tensor/tensor.h>

// The graph: nodes that turn the gradients of their outputs into gradients of their inputs.

namespace kiln::autograd {

struct Node;
struct NodeExtras;
class PendingGradients;

struct PendingPlace {
  PendingGradients* queue = nullptr;
  size_t slot = 0;
};

// Which output of which node a value came from. An empty node: no gradient is wanted there.
struct Edge {
  Ref<Node> node;
  int output = 0;
};
using Edges = InlineVector<Edge, 3>;

// A gradient for each input (or output) of a node; undefined means zero, or that nobody wants it.
using Gradients = InlineVector<Tensor, 3>;

// Which inputs of a node want a gradient.
class Wanted {
 public:
  explicit Wanted(const Edges& edges) : edges_(&edges) {}
  bool operator[](size_t input) const { return bool((*edges_)[input].node); }

 private:
  const Edges* edges_;
};

struct Node : RefCounted {
  const char* name;   // the op's, a string literal
  uint64_t sequence;  // grows as the program records; backward runs from the highest down
  int outputs = 1;
  bool released = false;  // backward has freed what it saved
  Edges inputs;
  Box<NodeExtras> extras;  // hooks and the like, seldom there
  PendingPlace pending;    // where a running backward collects the gradients of its outputs

  explicit Node(const char* op);
  Node(const Node&) = delete;
  virtual ~Node();

  // Gradients of the inputs from those of the outputs.
  virtual Gradients backward(const Gradients& grads) = 0;
  // Frees saved tensors. False when the node keeps nothing and so may run again.
  virtual bool release() = 0;
  // A leaf takes its gradient as soon as it arrives, so it stays warm in the cache.
  virtual bool is_leaf() const { return false; }

  // Iterative, so that a chain of a million nodes does not exhaust the stack.
  static void destroy(Node* node);
};

}  // namespace kiln::autograd
