#include <kiln/optim/sgd.h>

#include <cmath>

#include <kiln/kernels/flat/optimizer.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::optim {

SGD::SGD(Tensors params, const SGDOptions& options) : OptimizerWith("SGD") {
  add_param_group(std::move(params), options);
}

SGD::SGD(const std::vector<Group>& groups) : OptimizerWith("SGD") {
  if (groups.empty()) fail("SGD: got an empty parameter list");
  for (const Group& group : groups) add_param_group(group);
}

std::span<const char* const> SGD::state_names() const {
  static constexpr const char* names[] = {"momentum_buffer"};
  return names;
}

void SGD::update(size_t group, const kernels::StepRun& run, const Step& step) {
  const SGDOptions& o = options(group);
  const kernels::SgdRule rule{.lr = o.lr,
                              .momentum = o.momentum,
                              .dampening = o.dampening,
                              .weight_decay = o.weight_decay,
                              .nesterov = o.nesterov,
                              .maximize = o.maximize,
                              .first = step.first,
                              .numbers = step.numbers};
  on(step.device, [&](auto& ctx) { kernels::sgd_step(ctx, rule, run); });
}

void SGD::visit(size_t group, Fields& fields) {
  SGDOptions& o = options(group);
  fields("lr", o.lr);
  fields("momentum", o.momentum);
  fields("dampening", o.dampening);
  fields("weight_decay", o.weight_decay);
  fields("nesterov", o.nesterov);
  fields("maximize", o.maximize);
}

void SGD::check_options(size_t group) const {
  const SGDOptions& o = options(group);
  if (!(o.lr >= 0)) fail("SGD: lr {} must be at least 0", o.lr);
  if (!std::isfinite(o.dampening)) fail("SGD: dampening {} must be finite", o.dampening);
  if (!(o.momentum >= 0)) fail("SGD: momentum {} must be at least 0", o.momentum);
  if (!(o.weight_decay >= 0)) fail("SGD: weight_decay {} must be at least 0", o.weight_decay);
  if (o.nesterov && (o.momentum <= 0 || o.dampening != 0))
    fail("SGD: nesterov needs a momentum and no dampening, got momentum {} and dampening {}", o.momentum,
         o.dampening);
}

}  // namespace kiln::optim
