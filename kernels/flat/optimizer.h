#pragma once

#include <kiln/tensor/device/context.h>

// One step of an optimiser over a contiguous stretch of its flat memory, in one pass. Formulas and their
// order are PyTorch's.

namespace kiln::kernels {

struct StepRun {
  DType dtype;  // of param and grad, floating
  int64_t count;
  void* param;
  const void* grad;
  // float16 and bfloat16 only: the float32 value that param is rounded from. Null otherwise.
  float* master;
  // What the rule keeps, in float32 for the halves and in dtype otherwise; null where it keeps less.
  void* state[3];
  // CUDA only: where *skip is not 0 nothing is done. *skipped steps were left out so before, and are in the
  // rule's step all the same.
  const int32_t* skip = nullptr;
  const int64_t* skipped = nullptr;
};

// master = param where param is not what master rounds to: somebody else wrote there. For float16, bfloat16.
void sync_master(CpuContext&, DType dtype, int64_t count, const void* param, float* master);
void sync_master(CudaContext&, DType dtype, int64_t count, const void* param, float* master);

// What changes from step to step, in device memory, for a step that a CUDA graph repeats.
struct StepNumbers {
  double lr;
  double momentum;  // Adam: beta1
  int64_t step;
  bool operator==(const StepNumbers&) const = default;
};

struct SgdRule {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
  bool first;                            // state[0] holds nothing yet: it becomes the gradient itself
  const StepNumbers* numbers = nullptr;  // CUDA only: in place of lr and of a momentum that is not 0
};
// state: momentum buffer, used if momentum != 0. Moves 12 bytes a float32 parameter, 20 with momentum.
void sgd_step(CpuContext&, const SgdRule& rule, const StepRun& run);
void sgd_step(CudaContext&, const SgdRule& rule, const StepRun& run);

// Adam: Kingma & Ba, 2015; decoupled weight decay: Loshchilov & Hutter, 2019; amsgrad: Reddi et al., 2018.
struct AdamRule {
  double lr, beta1, beta2, eps, weight_decay;
  int64_t step;  // 1 at the first
  bool amsgrad, maximize;
  bool decoupled;                        // AdamW
  const StepNumbers* numbers = nullptr;  // CUDA only: in place of lr, beta1 and step
};
// state: exp_avg, exp_avg_sq, and for amsgrad max_exp_avg_sq. Moves 28 bytes a float32 parameter, 36 with
// amsgrad.
void adam_step(CpuContext&, const AdamRule& rule, const StepRun& run);
void adam_step(CudaContext&, const AdamRule& rule, const StepRun& run);

// step += 1, in the order of the stream.
void advance_step(CudaContext&, StepNumbers* numbers);
// skipped += 1 where skip is not 0, in the order of the stream.
void count_skipped(CudaContext&, const int32_t* skip, int64_t* skipped);

}  // namespace kiln::kernels
