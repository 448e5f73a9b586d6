#pragma once

// For sources of kernels only: convolutions as cuDNN plans them.

#include <kiln/kernels/base/cuda/cudnn_backend.h>
#include <kiln/kernels/conv/conv2d.h>

namespace kiln::kernels {

enum class ConvolutionKind : int32_t { forward, input_grad, weight_grad };

// All that decides about a plan. Plain bytes: the key of the cache.
struct ConvolutionProblem {
  Conv2dGeometry geometry;
  ConvolutionKind kind;
  int32_t dtype;
  int32_t device;
  int32_t alignment;   // of all pointers, in bytes, at most 16
  int16_t has_bias;    // y = conv + bias
  int16_t has_relu;    // y = max(conv + bias, 0); only with a bias
  int16_t allow_tf32;  // float32 only
  int16_t deterministic;
  int32_t measured;       // the fastest plan, not the one that cuDNN guesses
  int32_t weight_format;  // a MemoryFormat; x and y are channels-last
  int64_t workspace_bytes;
};

// What a plan calls its operands. x and w stand for their gradients too.
enum ConvolutionOperand : int64_t { kOperandX = 1, kOperandW, kOperandY, kOperandBias };

struct ConvolutionPlan {
  cudnn::Descriptor plan;
  int64_t workspace_bytes = 0;
};

// At most `most` plans, what cuDNN takes for the fastest first. Throws when there is none, naming the op, the
// problem, the device and why.
std::vector<ConvolutionPlan> plan_convolution(cudnnHandle_t handle, const ConvolutionProblem& problem,
                                              size_t most);

const char* op_of(const ConvolutionProblem& problem);

}  // namespace kiln::kernels
