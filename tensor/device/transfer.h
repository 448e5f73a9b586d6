#pragma once

// Internal: between the memories of devices.

#include <kiln/tensor/tensor.h>

namespace kiln {

// Copies bytes from one device to another, or within one; none of them needs to be a GPU. The host may use
// its side when the call returns.
void transfer(void* to, Device to_device, const void* from, Device from_device, int64_t bytes);

// x where the host can read it: x itself, or a copy of the same shape and strides. Waits for the device.
Tensor on_host(const Tensor& x);

// A copy of a dense tensor, of the same shape and order, on another device.
Tensor transferred(const Tensor& x, Device device);

}  // namespace kiln
