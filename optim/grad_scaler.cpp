#include <kiln/optim/grad_scaler.h>

#include <algorithm>
#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/record.h>
#include <kiln/kernels/flat/loss_scale.h>
#include <kiln/optim/grads.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::optim {
namespace {

void check(const GradScalerOptions& o) {
  if (!(o.init_scale > 0 && std::isfinite(o.init_scale)))
    fail("GradScaler: init_scale {} must be above 0 and finite", o.init_scale);
  if (!(o.growth_factor > 1)) fail("GradScaler: growth_factor {} must be above 1", o.growth_factor);
  if (!(o.backoff_factor > 0 && o.backoff_factor < 1))
    fail("GradScaler: backoff_factor {} must lie between 0 and 1", o.backoff_factor);
  if (o.growth_interval < 1) fail("GradScaler: growth_interval {} must be at least 1", o.growth_interval);
}

}  // namespace

GradScaler::GradScaler(const GradScalerOptions& options) : options_(options) {
  check(options);
  scale_ = full({}, options.init_scale, {.dtype = float32});
  tracker_ = zeros({}, {.dtype = int32});
}

void GradScaler::start_on(Device device) {
  if (scale_.device() == device) return;
  scale_ = scale_.to(device);
  tracker_ = tracker_.to(device);
  optimizers_.clear();
}

Tensor GradScaler::scale(const Tensor& loss) {
  if (!options_.enabled) return loss;
  if (!loss.defined()) fail("GradScaler: the loss is undefined");
  start_on(loss.device());
  return mul(loss, scale_);
}

GradScaler::Known& GradScaler::known(const char* op, const Optimizer& optimizer) {
  const auto found = std::find_if(optimizers_.begin(), optimizers_.end(),
                                  [&](const Known& k) { return k.optimizer == &optimizer; });
  if (found == optimizers_.end())
    return optimizers_.emplace_back(&optimizer, Stage::fresh,
                                    zeros({}, {.dtype = int32, .device = scale_.device()}));
  if (found->stage == Stage::stepped)
    fail("GradScaler: {} after step() of the same {}; call update() once all optimisers have stepped", op,
         optimizer.name());
  return *found;
}

void GradScaler::unscale(const char* op, const Optimizer& optimizer, Known& state) {
  Grads grads("unscale_");
  for (size_t g = 0; g < optimizer.groups(); ++g) {
    for (const Tensor& param : optimizer.params(g))
      if (param.dtype() == float16 && param.grad().defined())
        fail(
            "GradScaler: {} of a float16 gradient (parameter {}); keep parameters in float32 and compute in "
            "float16 "
            "by Autocast",
            op, param.shape());
    grads.add(optimizer.params(g));
  }
  if (grads.none())
    fail("GradScaler: {}: no parameter of the {} has a gradient; call scale(loss).backward() first", op,
         optimizer.name());
  if (grads.device() != scale_.device())
    fail("GradScaler: {}: the gradients are on {}, the loss was on {}", op, grads.device(), scale_.device());
  grads.begin_write();
  on(grads.device(), [&](auto& ctx) { kernels::flat_unscale(ctx, grads.spans(), scale_, state.found); });
  grads.end_write();
  state.stage = Stage::unscaled;
}

void GradScaler::unscale_(Optimizer& optimizer) {
  if (!options_.enabled) return;
  Known& state = known("unscale_()", optimizer);
  if (state.stage == Stage::unscaled)
    fail("GradScaler: unscale_() was called for this {} already since the last update()", optimizer.name());
  unscale("unscale_()", optimizer, state);
}

void GradScaler::step(Optimizer& optimizer) {
  if (!options_.enabled) return optimizer.step();
  Known& state = known("step()", optimizer);
  if (state.stage == Stage::fresh) unscale("step()", optimizer, state);
  optimizer.step_unless(state.found);
  state.stage = Stage::stepped;
}

void GradScaler::update(std::optional<double> new_scale) {
  if (!options_.enabled) return;
  const NoGrad no_grad;
  if (new_scale) {
    if (!(*new_scale > 0 && std::isfinite(*new_scale)))
      fail("GradScaler: update() to {}; the scale must be above 0 and finite", *new_scale);
    scale_.fill_(*new_scale);
    for (const Known& k : optimizers_) k.found.zero_();
  } else {
    const bool any_unscaled = std::any_of(optimizers_.begin(), optimizers_.end(),
                                          [](const Known& k) { return k.stage != Stage::fresh; });
    if (!any_unscaled)
      fail("GradScaler: update() before step(); no gradients were looked at since the last one");
    const Tensor& found = optimizers_[0].found;
    for (size_t i = 1; i < optimizers_.size(); ++i) {
      found.copy_(maximum(found, optimizers_[i].found));
      optimizers_[i].found.zero_();
    }
    autograd::begin_in_place("update", scale_);
    const kernels::LossScaleRule rule{options_.growth_factor, options_.backoff_factor,
                                      options_.growth_interval};
    on(scale_.device(), [&](auto& ctx) { kernels::update_loss_scale(ctx, rule, scale_, tracker_, found); });
  }
  for (Known& k : optimizers_) k.stage = Stage::fresh;
}

double GradScaler::get_scale() const { return options_.enabled ? scale_.item<double>() : 1; }

Value GradScaler::state_dict() const {
  Value state = Value::dict();
  if (!options_.enabled) return state;
  state["scale"] = get_scale();
  state["growth_factor"] = options_.growth_factor;
  state["backoff_factor"] = options_.backoff_factor;
  state["growth_interval"] = options_.growth_interval;
  state["_growth_tracker"] = tracker_.item<int64_t>();
  return state;
}

void GradScaler::load_state_dict(const Value& state) {
  if (!options_.enabled) return;
  const auto entry = [&](const char* key) -> const Value& {
    const Value* value = state.is_dict() ? state.find(key) : nullptr;
    if (value == nullptr)
      fail("GradScaler: the state to load has no '{}'; was it saved by one that is not enabled?", key);
    return *value;
  };
  GradScalerOptions options = options_;
  options.init_scale = entry("scale").as_float();
  options.growth_factor = entry("growth_factor").as_float();
  options.backoff_factor = entry("backoff_factor").as_float();
  options.growth_interval = entry("growth_interval").as_int();
  const int64_t tracker = entry("_growth_tracker").as_int();
  check(options);
  options_ = options;
  const NoGrad no_grad;
  scale_.fill_(options.init_scale);
  tracker_.fill_(tracker);
  optimizers_.clear();
}

}  // namespace kiln::optim
