#include <cmath>
#include <numbers>

#include <kiln/optim/scheduler.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::optim {

OneCycleLR::OneCycleLR(Optimizer& optimizer, double max_lr, const OneCycleLROptions& options)
    : OneCycleLR(optimizer, std::vector<double>(optimizer.groups(), max_lr), options) {}

OneCycleLR::OneCycleLR(Optimizer& optimizer, const std::vector<double>& max_lrs,
                       const OneCycleLROptions& options)
    : LRScheduler("OneCycleLR", optimizer), options_(options) {
  if (options_.total_steps == 0 &&
      __builtin_mul_overflow(options_.epochs, options_.steps_per_epoch, &options_.total_steps))
    fail("OneCycleLR: {} epochs of {} steps are more than int64 counts", options_.epochs,
         options_.steps_per_epoch);
  if (options_.total_steps < 1)
    fail("OneCycleLR: needs total_steps, or epochs and steps_per_epoch, got {}, {} and {}",
         options.total_steps, options.epochs, options.steps_per_epoch);
  if (!(options.pct_start >= 0 && options.pct_start <= 1))
    fail("OneCycleLR: pct_start {} must be from 0 to 1", options.pct_start);
  if (max_lrs.size() != optimizer.groups())
    fail("OneCycleLR: got {} values of max_lr, the optimiser has {} groups", max_lrs.size(),
         optimizer.groups());
  for (size_t g = 0; g < optimizer.groups(); ++g) {
    const double initial = max_lrs[g] / options.div_factor;
    optimizer.set_note("initial_lr", initial, g);
    optimizer.set_note("max_lr", max_lrs[g], g);
    optimizer.set_note("min_lr", initial / options.final_div_factor, g);
    if (!options.cycle_momentum) continue;
    optimizer.set_note("max_momentum", options.max_momentum, g);
    optimizer.set_note("base_momentum", options.base_momentum, g);
  }
  start();
  cycle_momentum();
}

std::vector<OneCycleLR::Phase> OneCycleLR::phases() const {
  const double total = double(options_.total_steps), rise = options_.pct_start * total;
  const Phase up{rise - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum"};
  if (!options_.three_phase) return {up, {total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"}};
  return {up,
          {2 * options_.pct_start * total - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"},
          {total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"}};
}

double OneCycleLR::anneal(size_t group, bool momentum) const {
  const auto note = [&](const char* key) {
    const double* value = optimizer_->find_note(key, group);
    if (value == nullptr)
      fail("OneCycleLR: group {} of the optimiser has no '{}' any more; load a state that was saved with it",
           group, key);
    return *value;
  };
  const std::vector<Phase> all = phases();
  const double step = double(last_epoch_);
  double start_step = 0;
  size_t i = 0;
  for (; i + 1 < all.size() && step > all[i].end_step; ++i) start_step = all[i].end_step;
  const Phase& phase = all[i];
  const double length = phase.end_step - start_step;
  const double part = length == 0 ? 1 : (step - start_step) / length;
  const double from = note(momentum ? phase.start_momentum : phase.start_lr),
               to = note(momentum ? phase.end_momentum : phase.end_lr);
  if (options_.anneal_strategy == AnnealStrategy::linear) return (to - from) * part + from;
  return to + (from - to) / 2 * (std::cos(std::numbers::pi * part) + 1);
}

void OneCycleLR::cycle_momentum() {
  if (!options_.cycle_momentum) return;
  for (size_t g = 0; g < optimizer_->groups(); ++g) optimizer_->set_momentum(anneal(g, true), g);
}

void OneCycleLR::step() {
  if (last_epoch_ + 1 > options_.total_steps)
    fail("OneCycleLR: step {} is beyond total_steps {}", last_epoch_ + 2, options_.total_steps);
  LRScheduler::step();
  cycle_momentum();
}

void OneCycleLR::restart() {
  LRScheduler::restart();
  cycle_momentum();
}

void OneCycleLR::visit(Fields& fields) {
  fields("total_steps", options_.total_steps);
  fields("cycle_momentum", options_.cycle_momentum);
}

}  // namespace kiln::optim
