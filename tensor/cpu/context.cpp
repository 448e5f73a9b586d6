#include <kiln/tensor/cpu/context.h>

#include <cstdlib>
#include <thread>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/context.h>

namespace kiln {
namespace {

int threads_of_environment() {
  for (const char* name : {"KILN_NUM_THREADS", "OMP_NUM_THREADS"})
    if (const char* value = std::getenv(name); value != nullptr && std::atoi(value) > 0)
      return std::atoi(value);
  const int cores = int(std::thread::hardware_concurrency());
  return cores > 0 ? cores : 1;
}

}  // namespace

CpuContext& CpuContext::current() {
  static const int threads = threads_of_environment();
  thread_local CpuContext context{threads};
  return context;
}

int num_threads() { return CpuContext::current().threads; }

void set_num_threads(int threads) {
  if (threads < 1) fail("set_num_threads: needs at least 1 thread, got {}", threads);
  CpuContext::current().threads = threads;
}

void fail_no_cuda() { fail("device: this build of Kiln has no CUDA backend; use the CPU"); }

}  // namespace kiln
