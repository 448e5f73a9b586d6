#pragma once

// A convolution as a finalised plan of cuDNN describes it, and its execution on the emulated device.

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <kiln/kernels/base/cuda/gpu.cuh>

namespace kiln::emulated {

struct PlanTensor {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int64_t sizes[4] = {}, strides[4] = {};
  void* data = nullptr;

  int64_t span() const;  // bytes from the first element to the end of the last
};

enum class ConvolutionPart { forward, input_grad, weight_grad };

// y = conv(x, w), then the epilogue; or the gradient of x or w, given that of y.
struct ConvolutionTask {
  ConvolutionPart part = ConvolutionPart::forward;
  PlanTensor x, w, y, bias;
  bool has_bias = false, has_relu = false;
  int64_t padding[2] = {}, stride[2] = {}, dilation[2] = {};
  double alpha = 1;

  int64_t groups() const { return x.sizes[1] / w.sizes[1]; }
};

// The pointers that a plan runs on.
struct VariantPack {
  std::vector<int64_t> names;
  std::vector<void*> pointers;
  void* workspace = nullptr;
};

// What is wrong, or an empty string.
std::string read_plan(cudnnBackendDescriptor_t plan, const VariantPack& pack, ConvolutionTask& task);

// Sums in float64 in a fixed order; rounds once, to the result's type.
cudaError_t enqueue(std::shared_ptr<const ConvolutionTask> task, cudaStream_t stream);

}  // namespace kiln::emulated
