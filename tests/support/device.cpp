#include "support/device.h"

#include <cstdlib>

#include <kiln/tensor/build_config.h>
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

}  // namespace kiln::test
