#include <support/fork.h>

#include <unistd.h>

#include <algorithm>
#include <thread>

#include <kiln/kernels/base/cpu/pool.h>
#include <kiln/tensor/cpu/context.h>

namespace kiln::test {

pid_t fork_at_rest() {
  using namespace kernels;
  const int threads = std::max(CpuContext::current().threads, int(std::thread::hardware_concurrency()));
  pool::run(
      threads, [](void*) { pool::barrier(); }, nullptr, pool::Busy::wait);
  return fork();
}

}  // namespace kiln::test
