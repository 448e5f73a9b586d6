#include <kiln/optim/adam.h>

#include <kiln/kernels/flat/optimizer.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::optim {
namespace {

template <class Options>
constexpr bool kDecoupled = std::is_same_v<Options, AdamWOptions>;
template <class Options>
constexpr const char* kName = kDecoupled<Options> ? "AdamW" : "Adam";

}  // namespace

template <class Options>
AdamWith<Options>::AdamWith(Tensors params, const Options& options) : OptimizerWith<Options>(kName<Options>) {
  this->add_param_group(std::move(params), options);
}

template <class Options>
AdamWith<Options>::AdamWith(const std::vector<Group>& groups) : OptimizerWith<Options>(kName<Options>) {
  if (groups.empty()) fail("{}: got an empty parameter list", this->name());
  for (const Group& group : groups) this->add_param_group(group);
}

template <class Options>
std::span<const char* const> AdamWith<Options>::state_names() const {
  static constexpr const char* names[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
  return names;
}

template <class Options>
void AdamWith<Options>::update(size_t group, const kernels::StepRun& run, const Optimizer::Step& step) {
  const Options& o = this->options(group);
  const kernels::AdamRule rule{.lr = o.lr,
                               .beta1 = o.betas.first,
                               .beta2 = o.betas.second,
                               .eps = o.eps,
                               .weight_decay = o.weight_decay,
                               .step = step.number,
                               .amsgrad = o.amsgrad,
                               .maximize = o.maximize,
                               .decoupled = kDecoupled<Options>,
                               .numbers = step.numbers};
  on(step.device, [&](auto& ctx) { kernels::adam_step(ctx, rule, run); });
}

template <class Options>
void AdamWith<Options>::visit(size_t group, Fields& fields) {
  Options& o = this->options(group);
  fields("lr", o.lr);
  fields("betas", o.betas);
  fields("eps", o.eps);
  fields("weight_decay", o.weight_decay);
  fields("amsgrad", o.amsgrad);
  fields("maximize", o.maximize);
}

template <class Options>
void AdamWith<Options>::check_options(size_t group) const {
  const Options& o = this->options(group);
  const char* name = this->name();
  if (!(o.lr >= 0)) fail("{}: lr {} must be at least 0", name, o.lr);
  if (!(o.eps >= 0)) fail("{}: eps {} must be at least 0", name, o.eps);
  if (!(o.weight_decay >= 0)) fail("{}: weight_decay {} must be at least 0", name, o.weight_decay);
  for (const double beta : {o.betas.first, o.betas.second})
    if (!(beta >= 0 && beta < 1))
      fail("{}: betas ({}, {}) must be at least 0 and below 1", name, o.betas.first, o.betas.second);
}

template class AdamWith<AdamOptions>;
template class AdamWith<AdamWOptions>;

}  // namespace kiln::optim
