#pragma once

#include <limits>

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// How the factor of a loss in float16 follows what the gradients do (Micikevicius et al., 2018, section 3.2).
struct LossScaleRule {
  double growth_factor, backoff_factor;
  int64_t growth_interval;  // steps in a row without an overflow until it grows

  constexpr void operator()(float& scale, int32_t& tracker, int32_t& found) const {
    if (found != 0) {
      scale = float(scale * backoff_factor);
      tracker = 0;
    } else if (++tracker >= growth_interval) {
      const double grown = scale * growth_factor;
      if (grown <= std::numeric_limits<float>::max()) scale = float(grown);
      tracker = 0;
    }
    found = 0;
  }
};

// One application of the rule. All are 0-dim: scale float32; tracker, the steps since it last changed, and
// found, which flat_unscale sets, int32.
void update_loss_scale(CpuContext&, const LossScaleRule&, TensorView scale, TensorView tracker,
                       TensorView found);
void update_loss_scale(CudaContext&, const LossScaleRule&, TensorView scale, TensorView tracker,
                       TensorView found);

}  // namespace kiln::kernels
