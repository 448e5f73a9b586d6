#include <kiln/tensor/cuda/devices.h>

#include <algorithm>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/fail.h>

namespace kiln::cuda {

int device_count() {
  static const int count = [] {
    int found = 0;
    if (cudaGetDeviceCount(&found) == cudaSuccess) return std::min(found, kMaxDevices);
    cudaGetLastError();
    return 0;
  }();
  return count;
}

void check_device(Device device) {
  if (!device.is_cuda()) fail("cuda: {} is not a GPU", device);
  if (device_count() == 0) fail("cuda: there is no usable GPU for {}; use the CPU", device);
  if (device.index < 0 || device.index >= device_count())
    fail("cuda: {} does not exist, the GPUs are cuda:0 .. cuda:{}", device, device_count() - 1);
}

}  // namespace kiln::cuda
