#pragma once

#include <cstdint>

#include <kiln/tensor/device/device.h>

namespace kiln::cuda {

// Copies bytes from, to or between GPUs, in the order of the current streams of the devices. When the call
// returns the host may use its side: a copy to the host waits for the device, one from pinned memory too.
// With `non_blocking` and pinned host memory (<kiln/tensor/cuda/pinned.h>) nothing waits: the host may read
// what was copied, or write what is being copied, after the stream is synchronised or an event on it is.
void copy_bytes(void* to, Device to_device, const void* from, Device from_device, int64_t bytes,
                bool non_blocking = false);

}  // namespace kiln::cuda
