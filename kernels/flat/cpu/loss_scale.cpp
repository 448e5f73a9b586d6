#include <kiln/kernels/flat/loss_scale.h>

namespace kiln::kernels {

void update_loss_scale(CpuContext&, const LossScaleRule& rule, TensorView scale, TensorView tracker,
                       TensorView found) {
  rule(*scale.as<float>(), *tracker.as<int32_t>(), *found.as<int32_t>());
}

}  // namespace kiln::kernels
