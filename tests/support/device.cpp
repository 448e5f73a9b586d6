#include "support/device.h"

#include "support/cases.h"

#include <cstdio>
#include <cstdlib>

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/stream.h>

namespace kiln::test {

Device device() {
  const char* name = std::getenv("KILN_TEST_DEVICE");
  return name == nullptr ? cpu : Device(name);
}

void wait() {
  if constexpr (kCudaBuilt)
    if (device().is_cuda()) cuda::synchronize(device());
}

void begin_case() { set_factory_device(device()); }

// What its kernels found and nobody waited for.
bool end_case() {
  try {
    wait();
    return true;
  } catch (const Error& error) {
    std::printf("the case left an error behind: %s\n", error.what());
    return false;
  }
}

}  // namespace kiln::test
