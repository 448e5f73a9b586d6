#include "grid/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "options.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

extern "C" {
void kiln_emulated_switch(void** save, void* load);
void kiln_emulated_entry();
}

// What a call saves (System V ABI), and the end of the chain of frames for debuggers.
__asm__(R"(
.text
.globl kiln_emulated_switch
.type kiln_emulated_switch,@function
kiln_emulated_switch:
  .cfi_startproc
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .cfi_endproc
.size kiln_emulated_switch,.-kiln_emulated_switch
.globl kiln_emulated_entry
.type kiln_emulated_entry,@function
kiln_emulated_entry:
  .cfi_startproc
  .cfi_undefined rip
  call *%rbx
  ud2
  .cfi_endproc
.size kiln_emulated_entry,.-kiln_emulated_entry
)");

namespace kiln::emulated {
namespace {

constexpr size_t kGuard = size_t{1} << 20;  // wide: a large local array jumps over a page

}  // namespace

void Fiber::create(void (*entry)()) {
  void* memory = mmap(nullptr, kStackBytes + kGuard, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, kGuard, PROT_NONE);
  stack = static_cast<char*>(memory) + kGuard;
  // What kiln_emulated_switch pops: r15 to r12, rbx, rbp, the address to return to. Then the alignment of a
  // call.
  auto** top = reinterpret_cast<void**>(stack + kStackBytes) - 2;
  *--top = reinterpret_cast<void*>(&kiln_emulated_entry);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  for (int saved = 0; saved < 4; ++saved) *--top = nullptr;
  stack_pointer = top;
}

Fiber::~Fiber() {
  if (!stack) return;
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(stack, kStackBytes);
#endif
  munmap(stack - kGuard, kStackBytes + kGuard);
}

bool Fiber::in_guard(const void* address) const {
  const auto p = reinterpret_cast<uintptr_t>(address), low = reinterpret_cast<uintptr_t>(stack);
  return stack && p < low && p >= low - kGuard;
}

#ifdef __SANITIZE_ADDRESS__

void switch_to(HostStack& from, Fiber& to) {
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, kStackBytes);
  kiln_emulated_switch(&from.stack_pointer, to.stack_pointer);
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
}
void switch_back(Fiber& from, HostStack& to) {
  __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.bytes);
  kiln_emulated_switch(&from.stack_pointer, to.stack_pointer);
  __sanitizer_finish_switch_fiber(from.fake_stack, &to.bottom, &to.bytes);
}
void entered(HostStack& from) { __sanitizer_finish_switch_fiber(nullptr, &from.bottom, &from.bytes); }

#else

void switch_to(HostStack& from, Fiber& to) { kiln_emulated_switch(&from.stack_pointer, to.stack_pointer); }
void switch_back(Fiber& from, HostStack& to) { kiln_emulated_switch(&from.stack_pointer, to.stack_pointer); }
void entered(HostStack&) {}

#endif

}  // namespace kiln::emulated
