#include <kiln/autograd/pending.h>

#include <algorithm>

namespace kiln::autograd {

PendingGradients::~PendingGradients() {
  for (const size_t index : heap_) slots_[index].node->pending = slots_[index].before;
}

Gradients& PendingGradients::at(Node& node) {
  if (node.pending.queue == this) return slots_[node.pending.slot].grads;
  Slot slot{&node, Gradients(size_t(node.outputs)), node.pending};
  size_t index = slots_.size();
  if (free_.empty()) {
    slots_.push_back(std::move(slot));
  } else {
    index = free_.back();
    free_.pop_back();
    slots_[index] = std::move(slot);
  }
  node.pending = {this, index};
  heap_.push_back(index);
  std::push_heap(heap_.begin(), heap_.end(), Older{slots_});
  return slots_[index].grads;
}

Node* PendingGradients::pop(Gradients& grads) {
  if (heap_.empty()) return nullptr;
  std::pop_heap(heap_.begin(), heap_.end(), Older{slots_});
  Slot& slot = slots_[heap_.back()];
  free_.push_back(heap_.back());
  heap_.pop_back();
  slot.node->pending = slot.before;
  grads = std::move(slot.grads);
  return slot.node;
}

}  // namespace kiln::autograd
