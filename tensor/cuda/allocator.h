#pragma once

#include <cstdint>

#include <kiln/tensor/device.h>

namespace kiln::cuda {

// Device memory, aligned to 256 bytes, for work on the thread's current stream of that device. nullptr for 0
// bytes. Throws when memory runs out.
void* allocate(int64_t bytes, Device device);
void release(void* data, Device device);

}  // namespace kiln::cuda
