#pragma once

// For sources of kernels only.

#include <kiln/tensor/device/device.h>

namespace kiln::kernels {

// Blocks of a kernel that a processor of the device holds at once; 0 where the device has no cooperative
// launches. Asked of CUDA once a kernel and device.
unsigned blocks_of_processor(Device device, const void* kernel, unsigned threads);

}  // namespace kiln::kernels
