#pragma once

#include <kiln/tensor/base/box.h>
#include <vector>

#include <kiln/tensor/base/inline_vector.h>
#include <kiln/tensor/tensor.h>

// The graph: nodes that turn the gradients of their outputs into gradients of their inputs.

namespace kiln::autograd {

struct Node;
struct NodeExtras;
class PendingGradients;

struct PendingPlace {
  PendingGradients* queue = nullptr;  // by atomic access only
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

// What an output is, and so its gradient.
struct Result {
  Shape shape;
  DType dtype;
  Device device;

  explicit Result(const TensorImpl& x) : shape(x.layout.shape), dtype(x.dtype), device(x.storage->device) {}
  explicit Result(const Tensor& x) : Result(*x.impl()) {}
};

// Which inputs of a node want a gradient.
class Wanted {
 public:
  explicit Wanted(const Edges& edges) : edges_(&edges) {}
  bool operator[](size_t input) const { return bool((*edges_)[input].node); }

 private:
  const Edges* edges_;
};

struct Node : RefCounted {
  const char* name;       // the op's, a string literal
  uint64_t rank = 0;      // one more than the highest of its inputs: backward runs from the highest down
  bool saves = false;     // whether the rule keeps tensors alive; without, it may run again
  bool released = false;  // a backward frees what it saved, or has; by atomic access only
  Edges inputs;
  InlineVector<Result, 1> outputs;
  Box<NodeExtras> extras;  // hooks and the like, seldom there
  PendingPlace pending;    // where a running backward collects the gradients of its outputs

  explicit Node(const char* op);
  Node(const Node&) = delete;
  virtual ~Node();

  // Gradients of the inputs from those of the outputs.
  virtual Gradients backward(const Gradients& grads) = 0;
  // Frees what the rule saved, if saves.
  virtual void release() {}
  // A leaf takes its gradient as soon as it arrives, so it stays warm in the cache.
  virtual bool is_leaf() const { return false; }

  void add_input(Edge edge);

  // Iterative, so that a chain of a million nodes does not exhaust the stack.
  static void destroy(Node* node);

 protected:
  // A leaf's handles are its tensor's.
  const RefCounted* counted = this;

 private:
  template <class T>
  friend class kiln::Ref;
  void add_first_handle() const { counted->add_first_handle(); }
  void add_handle() const { counted->add_handle(); }
  bool drop_handle() const { return counted->drop_handle(); }
  struct Graveyard;
  static Graveyard& graveyard();

  Node* next_dead_ = nullptr;
};

}  // namespace kiln::autograd
