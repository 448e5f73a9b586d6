#pragma once

#include <string>

#include <kiln/tensor/device/device.h>

// Which GPUs there are.

namespace kiln::cuda {

inline constexpr int kMaxDevices = 64;

// GPUs that this process may use, as the driver numbers them under CUDA_VISIBLE_DEVICES; 0 without a driver.
int device_count();

// Throws unless `device` is a GPU that can be used, saying what is wrong: no driver, an old one, a wrong
// index.
void check_device(Device device);

// Throws unless `data` is memory of that device (or managed).
void check_memory(const void* data, Device device);

// "cuda:0: NVIDIA H100, compute capability 9.0, 79.1 GiB".
std::string describe(Device device);

// Tells on stderr, once in a process, why the CPU is used although the build has CUDA.
void say_unavailable();

}  // namespace kiln::cuda
