#include "fault.h"

#include <cuda_runtime.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "grid/block.h"
#include "memory.h"
#include "options.h"
#include "symbols.h"

namespace kiln::emulated {
namespace {

struct sigaction previous;
__thread const void* fault_address;
[[maybe_unused]] __thread const void* fault_instruction;

#ifndef __SANITIZE_ADDRESS__  // which prints a report of its own

// Where the handler lets a GPU thread go on that has touched what it must not.
[[noreturn]] void end_faulty_thread() {
  GpuThread& thread = current_runner->self();
  std::string why;
  if (thread.in_guard(fault_address))
    why = "stack overflow: a GPU thread has " + std::to_string(kStackBytes / 1024) + " KiB here";
  else if (is_device_address(fault_address))
    why = "illegal address: " + describe_address(fault_address);
  else
    why = "illegal address, or a misaligned vector access";
  current_runner->fail_here(cudaErrorIllegalAddress, why + ", at " + source_line(fault_instruction), {});
}

void go_on_at_top_of_stack(ucontext_t* context) {
  fault_instruction = reinterpret_cast<const void*>(context->uc_mcontext.gregs[REG_RIP]);
  const auto top = reinterpret_cast<uintptr_t>(current_runner->self().stack) + kStackBytes;
  context->uc_mcontext.gregs[REG_RSP] = static_cast<long long>(top - 64 - 8);  // as after a call
  context->uc_mcontext.gregs[REG_RIP] =
      static_cast<long long>(reinterpret_cast<uintptr_t>(&end_faulty_thread));
}
#endif

void on_fault(int, siginfo_t* info, void* context) {
  fault_address = info->si_addr;
#ifndef __SANITIZE_ADDRESS__
  if (current_thread) return go_on_at_top_of_stack(static_cast<ucontext_t*>(context));
#endif
  (void)context;
  if (is_device_address(fault_address)) {
    const std::string text = std::string("emulated GPU: ") + (current_thread ? "a kernel" : "HOST CODE") +
                             " touched device memory, " + describe_address(fault_address) + "\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
  }
  sigaction(SIGSEGV, &previous, nullptr);  // the same fault again, for whoever was there before
}

}  // namespace

void watch_faults() {
  if (!options().protect) return;
  static char stack[64 * 1024];
  [[maybe_unused]] static const bool once = [] {
    stack_t alternative{};
    alternative.ss_sp = stack;
    alternative.ss_size = sizeof stack;
    return sigaltstack(&alternative, nullptr) == 0;
  }();
  struct sigaction mine {};
  mine.sa_sigaction = on_fault;
  mine.sa_flags = SA_SIGINFO | SA_ONSTACK;
  struct sigaction old {};
  sigaction(SIGSEGV, &mine, &old);
  if (old.sa_sigaction != on_fault) previous = old;
}

}  // namespace kiln::emulated
