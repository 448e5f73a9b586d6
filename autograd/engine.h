#pragma once

#include <kiln/autograd/node.h>
#include <kiln/tensor/base/function.h>

namespace kiln::autograd {

struct BackwardOptions {
  bool retain_graph = false;
  // Record the backward pass itself, so that its results can be differentiated. Implies retain_graph.
  bool create_graph = false;
  // grad() only: inputs that the outputs do not depend on give undefined tensors instead of an error.
  bool allow_unused = false;
};

// Adds d(sum of roots * gradients)/d(leaf) to the .grad of every leaf. An undefined gradient stands for 1 and
// needs a root with one element. Nodes run in the reverse order of their recording, from a queue, never by
// recursion.
void backward(const Tensors& roots, const Tensors& gradients, const BackwardOptions& options = {});

// d(sum of outputs * gradients)/d(input) for each input, leaving every .grad alone.
Tensors grad(const Tensors& outputs, const Tensors& inputs, const Tensors& gradients = {},
             const BackwardOptions& options = {});

// Calls the function with the gradient of x when it is complete; a defined result replaces it. Returns a
// number for remove_hook.
int64_t register_hook(const Tensor& x, Function<Tensor(const Tensor& grad)> hook);
void remove_hook(const Tensor& x, int64_t id);

// Asks that x's gradient be accumulated in this memory (an optimiser's arena). x must be a leaf.
void set_grad_home(const Tensor& x, const Tensor& home);

// The node whose backward runs on this thread, or null.
Node* current_node();

// The name of the op that x came from ("" for a leaf).
const char* op_name(const Tensor& x);

}  // namespace kiln::autograd

namespace kiln {
using autograd::grad;
}
