#pragma once

// Internal: allocating while a stream is captured.

#include <kiln/tensor/cuda/check.h>

namespace kiln::cuda {

// Lets the driver allocate while a stream of this process is captured.
class RelaxedCapture {
 public:
  RelaxedCapture() { CUDA_CHECK(cudaThreadExchangeStreamCaptureMode(&mode_)); }
  ~RelaxedCapture() { CUDA_CHECK_NOTHROW(cudaThreadExchangeStreamCaptureMode(&mode_)); }
  RelaxedCapture(const RelaxedCapture&) = delete;
  RelaxedCapture& operator=(const RelaxedCapture&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

}  // namespace kiln::cuda
