#include <kiln/autograd/pending.h>

#include <algorithm>
#include <atomic>

namespace kiln::autograd {
namespace {

std::atomic_ref<PendingGradients*> holder_of(Node& node) {
  return std::atomic_ref<PendingGradients*>(node.pending.queue);
}

}  // namespace

PendingGradients::~PendingGradients() {
  for (const size_t index : heap_) let_go(*slots_[index].node);
}

Gradients& PendingGradients::at(Node& node) {
  if (holder_of(node).load(std::memory_order_relaxed) == this) return slots_[node.pending.slot].grads;
  if (!elsewhere_.empty())
    if (const auto found = elsewhere_.find(&node); found != elsewhere_.end())
      return slots_[found->second].grads;
  const size_t index = add(node);
  PendingGradients* nobody = nullptr;
  if (holder_of(node).compare_exchange_strong(nobody, this, std::memory_order_acquire))
    node.pending.slot = index;
  else
    elsewhere_.emplace(&node, index);
  return slots_[index].grads;
}

size_t PendingGradients::add(Node& node) {
  Slot slot{&node, Gradients(node.outputs.size()), arrivals_++};
  size_t index = slots_.size();
  if (free_.empty()) {
    slots_.push_back(std::move(slot));
  } else {
    index = free_.back();
    free_.pop_back();
    slots_[index] = std::move(slot);
  }
  heap_.push_back(index);
  std::push_heap(heap_.begin(), heap_.end(), Lower{slots_});
  return index;
}

void PendingGradients::let_go(Node& node) {
  if (holder_of(node).load(std::memory_order_relaxed) == this)
    holder_of(node).store(nullptr, std::memory_order_release);
  else
    elsewhere_.erase(&node);
}

Node* PendingGradients::pop(Gradients& grads) {
  if (heap_.empty()) return nullptr;
  std::pop_heap(heap_.begin(), heap_.end(), Lower{slots_});
  Slot& slot = slots_[heap_.back()];
  free_.push_back(heap_.back());
  heap_.pop_back();
  let_go(*slot.node);
  grads = std::move(slot.grads);
  return slot.node;
}

}  // namespace kiln::autograd
