#include <kiln/tensor/base/lock.h>

#include <atomic>

namespace kiln {

void Lock::wait() {
  const std::atomic_ref<int> state(state_);
  while (state.exchange(kWanted, std::memory_order_acquire) != kFree) state.wait(kWanted);
}

void Lock::wake() { std::atomic_ref<int>(state_).notify_one(); }

}  // namespace kiln
