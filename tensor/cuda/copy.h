#pragma once

#include <cstdint>

#include <kiln/tensor/device.h>

namespace kiln::cuda {

// Copies bytes from, to or between GPUs, in the order of the current stream. Host memory on either side may
// be used as soon as the call returns: a copy to the host waits for the device.
void copy_bytes(void* to, Device to_device, const void* from, Device from_device, int64_t bytes);

}  // namespace kiln::cuda
