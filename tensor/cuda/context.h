#pragma once

#include <kiln/tensor/device/device.h>

// Internal.

// CUDA's own name of a stream, so that this header needs none of CUDA's.
struct CUstream_st;

namespace kiln {

// What a CUDA kernel needs to run. Everything a kernel does is asynchronous on `stream`.
struct CudaContext {
  Device device;
  CUstream_st* stream = nullptr;  // a cudaStream_t
  int processors = 1;             // streaming multiprocessors of the device

  // This thread's context on its current device (cuda:0, or as a cuda::DeviceGuard says). Throws where there
  // is no usable GPU.
  static CudaContext& current();
  // This thread's context on a device. Both make that device the one that CUDA's functions mean.
  static CudaContext& of(Device device);
};

}  // namespace kiln
