#pragma once

#include <kiln/tensor/device.h>

// Which GPUs there are.

namespace kiln::cuda {

inline constexpr int kMaxDevices = 64;

// GPUs that this process may use, as the driver numbers them under CUDA_VISIBLE_DEVICES; 0 without a driver.
int device_count();

// Throws unless `device` is a GPU that can be used.
void check_device(Device device);

}  // namespace kiln::cuda
