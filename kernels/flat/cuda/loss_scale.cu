#include <kiln/kernels/flat/loss_scale.h>

#include <kiln/kernels/base/cuda/launch.cuh>

namespace kiln::kernels {
namespace {

__global__ void update_loss_scale_kernel(LossScaleRule rule, float* scale, int32_t* tracker, int32_t* found) {
  rule(*scale, *tracker, *found);
}

}  // namespace

void update_loss_scale(CudaContext& ctx, const LossScaleRule& rule, TensorView scale, TensorView tracker,
                       TensorView found) {
  launch(ctx, "update_loss_scale", update_loss_scale_kernel, {.grid = 1, .block = 1}, rule, scale.as<float>(),
         tracker.as<int32_t>(), found.as<int32_t>());
}

}  // namespace kiln::kernels
