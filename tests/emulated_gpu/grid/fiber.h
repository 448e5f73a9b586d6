#pragma once

#include <cstddef>

namespace kiln::emulated {

// A stack of its own, switched to and from without the kernel's help. (ucontext would do, 6 to 8 times
// slower: it saves the signal mask with two system calls.)
struct Fiber {
  void* stack_pointer = nullptr;
  char* stack = nullptr;       // lowest usable byte; nothing can be touched below
  void* fake_stack = nullptr;  // AddressSanitizer's

  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // Makes the stack; entry runs at the first switch and never returns.
  void create(void (*entry)());
  // Whether the address lies below it: the stack has overflown.
  bool in_guard(const void* address) const;
};

// The stack that a host thread came with.
struct HostStack {
  void* stack_pointer = nullptr;
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  size_t bytes = 0;
};

void switch_to(HostStack& from, Fiber& to);
void switch_back(Fiber& from, HostStack& to);
// First thing in the entry of a fiber.
void entered(HostStack& from);

}  // namespace kiln::emulated
