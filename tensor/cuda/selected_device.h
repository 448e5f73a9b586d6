#pragma once

// Internal: the device that CUDA's functions mean.

#include <kiln/tensor/device/device.h>

namespace kiln::cuda {

// While it lives, CUDA's functions mean this device on this thread; afterwards the one that they meant
// before, whoever chose it. The runtime is asked each time: others call cudaSetDevice too.
class SelectedDevice {
 public:
  explicit SelectedDevice(Device device);
  ~SelectedDevice();
  SelectedDevice(const SelectedDevice&) = delete;
  SelectedDevice& operator=(const SelectedDevice&) = delete;

 private:
  int before_ = 0, now_;
};

}  // namespace kiln::cuda
