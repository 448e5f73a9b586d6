#pragma once

#include <utility>

namespace kiln {

// A mutex of four bytes, for things of which there are many: a step when nobody else wants it, asleep in the
// kernel when somebody does (Drepper, "Futexes are tricky", 2011). With the compiler's atomics, because
// <mutex> costs a quarter of <kiln/kiln.h>. A copy is a lock of its own, that nobody holds.
class Lock {
 public:
  Lock() = default;
  Lock(const Lock&) {}
  Lock& operator=(const Lock&) { return *this; }

  void lock() {
    int free = kFree;
    if (!__atomic_compare_exchange_n(&state_, &free, kHeld, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
      wait();
  }
  void unlock() {
    if (__atomic_exchange_n(&state_, kFree, __ATOMIC_RELEASE) == kWanted) wake();
  }

 private:
  enum : int { kFree, kHeld, kWanted };
  void wait();
  void wake();

  int state_ = kFree;
};

// Holds a Lock while it lives.
class Locked {
 public:
  explicit Locked(Lock& lock) : lock_(lock) { lock_.lock(); }
  ~Locked() { lock_.unlock(); }
  Locked(const Locked&) = delete;

 private:
  Lock& lock_;
};

}  // namespace kiln
