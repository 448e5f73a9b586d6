#pragma once

#include <kiln/tensor/tensor.h>

namespace kiln::autograd {

struct Node;

// The node that x came from, null for a leaf and for a value without history. For a Listener that wants to
// know, in a backward pass, which forward op a node (OpCall::backward) belongs to. Does not renew the history
// of a view whose base was written to since.
const Node* creator_of(const Tensor& x);

}  // namespace kiln::autograd
