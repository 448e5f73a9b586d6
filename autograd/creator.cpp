#include <kiln/autograd/creator.h>

#include <kiln/autograd/slot.h>

namespace kiln::autograd {

const Node* creator_of(const Tensor& x) {
  if (!x.defined()) return nullptr;
  const Slot* slot = slot_of(*x.impl());
  return slot == nullptr ? nullptr : slot->edge.node.get();
}

}  // namespace kiln::autograd
