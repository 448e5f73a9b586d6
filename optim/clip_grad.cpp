#include <kiln/optim/clip_grad.h>

#include <cmath>

#include <kiln/optim/grads.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::optim {

Tensor clip_grad_norm_(const Tensors& params, double max_norm, double norm_type, bool error_if_nonfinite) {
  if (!(norm_type > 0)) fail("clip_grad_norm_: norm_type {} must be above 0", norm_type);
  if (!(max_norm >= 0)) fail("clip_grad_norm_: max_norm {} must be at least 0", max_norm);
  const Grads grads("clip_grad_norm_", params);
  const Tensor norm = empty({}, {.dtype = float64, .device = grads.device()});
  on(grads.device(), [&](auto& ctx) { kernels::flat_norm(ctx, grads.spans(), norm_type, norm); });
  if (error_if_nonfinite && !std::isfinite(norm.item<double>()))
    fail("clip_grad_norm_: the norm of the gradients is {}; set error_if_nonfinite = false to go on with it",
         norm.item<double>());
  grads.begin_write();
  on(grads.device(), [&](auto& ctx) { kernels::flat_clip_norm(ctx, grads.spans(), max_norm, norm); });
  grads.end_write();
  return norm;
}

void clip_grad_value_(const Tensors& params, double clip_value) {
  if (!(clip_value >= 0)) fail("clip_grad_value_: clip_value {} must be at least 0", clip_value);
  const Grads grads("clip_grad_value_", params);
  grads.begin_write();
  on(grads.device(), [&](auto& ctx) { kernels::flat_clamp(ctx, grads.spans(), -clip_value, clip_value); });
  grads.end_write();
}

bool grads_are_finite(const Tensors& params) {
  const Grads grads("grads_are_finite", params);
  const Tensor finite = empty({}, {.dtype = bool8, .device = grads.device()});
  on(grads.device(), [&](auto& ctx) { kernels::flat_all_finite(ctx, grads.spans(), finite); });
  return finite.item<bool>();
}

}  // namespace kiln::optim
