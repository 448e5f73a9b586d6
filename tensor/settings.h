#pragma once

#include <cstdint>

#include <kiln/tensor/cpu/context.h>
#include <kiln/tensor/device/device.h>

// What a program sets about how Kiln computes. In the headers above: set_num_threads (of this thread),
// set_factory_device (of this thread). Here: precision and convolutions on a GPU (of all threads).

namespace kiln {

// How products of float32 may be computed on a GPU, in matmul and in convolutions; sums are float32 either
// way. The CPU computes in float32 always.
enum class Float32Precision : uint8_t {
  highest,  // in float32
  high,     // in TF32, with 10 bits behind the point, on tensor cores: several times faster
  medium,   // matmul in bfloat16, with 7 bits; convolutions in TF32
};

// For all threads, from the next op on; highest at first. PyTorch's name, but it holds for convolutions too.
void set_float32_matmul_precision(Float32Precision precision);
Float32Precision float32_matmul_precision();

namespace cuda {

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

}  // namespace cuda
}  // namespace kiln
