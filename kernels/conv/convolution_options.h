#pragma once

#include <cstdint>

namespace kiln::cuda {

// How a convolution's plan is chosen among those that cuDNN offers.
struct ConvolutionOptions {
  // The same bits on every run.
  bool deterministic = true;
  // The first call with a geometry measures several plans and keeps the fastest, instead of cuDNN's guess.
  // Pays where shapes stay the same; waits for the device then, and takes cuDNN's guess during a capture.
  bool benchmark = false;
  // A plan may use this much memory beside its operands.
  int64_t workspace_bytes = int64_t(1) << 30;
};

// For all threads, from the next op on.
void set_convolution_options(const ConvolutionOptions& options);
ConvolutionOptions convolution_options();

}  // namespace kiln::cuda
