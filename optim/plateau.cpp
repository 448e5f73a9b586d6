#include <algorithm>
#include <cmath>
#include <limits>

#include <kiln/optim/scheduler.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::optim {

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : optimizer_(&optimizer),
      options_(options),
      min_lrs_(optimizer.groups(), options.min_lr),
      best_(options.mode == PlateauMode::min ? std::numeric_limits<double>::infinity()
                                             : -std::numeric_limits<double>::infinity()) {
  if (!(options.factor >= 0 && options.factor < 1))
    fail("ReduceLROnPlateau: factor {} must be at least 0 and below 1", options.factor);
  if (options.patience < 0) fail("ReduceLROnPlateau: patience {} must be at least 0", options.patience);
  if (options.cooldown < 0) fail("ReduceLROnPlateau: cooldown {} must be at least 0", options.cooldown);
}

bool ReduceLROnPlateau::improves(double metric) const {
  const double threshold = options_.threshold;
  const bool relative = options_.threshold_mode == ThresholdMode::rel;
  if (options_.mode == PlateauMode::min)
    return metric < (relative ? best_ * (1 - threshold) : best_ - threshold);
  return metric > (relative ? best_ * (threshold + 1) : best_ + threshold);
}

void ReduceLROnPlateau::step(double metric) {
  if (min_lrs_.size() != optimizer_->groups())
    fail("ReduceLROnPlateau: was made for {} parameter groups, the optimiser has {} now", min_lrs_.size(),
         optimizer_->groups());
  ++last_epoch_;
  if (improves(metric)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ > options_.patience) {
    reduce();
    cooldown_counter_ = options_.cooldown;
    bad_epochs_ = 0;
  }
  last_lr_.clear();
  for (size_t g = 0; g < optimizer_->groups(); ++g) last_lr_.push_back(optimizer_->lr(g));
}

void ReduceLROnPlateau::reduce() {
  for (size_t g = 0; g < optimizer_->groups(); ++g) {
    const double lr = optimizer_->lr(g), lower = std::max(lr * options_.factor, min_lrs_[g]);
    if (lr - lower > options_.eps) optimizer_->lr(g) = lower;
  }
}

void ReduceLROnPlateau::visit(Fields& fields) {
  std::string mode = options_.mode == PlateauMode::min ? "min" : "max",
              threshold_mode = options_.threshold_mode == ThresholdMode::rel ? "rel" : "abs";
  fields("factor", options_.factor);
  fields("min_lrs", min_lrs_);
  fields("patience", options_.patience);
  fields("cooldown", options_.cooldown);
  fields("cooldown_counter", cooldown_counter_);
  fields("mode", mode);
  fields("threshold", options_.threshold);
  fields("threshold_mode", threshold_mode);
  fields("best", best_);
  fields("num_bad_epochs", bad_epochs_);
  fields("eps", options_.eps);
  fields("last_epoch", last_epoch_);
  fields("_last_lr", last_lr_);
  options_.mode = mode == "max" ? PlateauMode::max : PlateauMode::min;
  options_.threshold_mode = threshold_mode == "abs" ? ThresholdMode::abs : ThresholdMode::rel;
}

Value ReduceLROnPlateau::state_dict() const {
  Value state = Value::dict();
  Fields fields(state);
  const_cast<ReduceLROnPlateau*>(this)->visit(fields);  // a writer leaves the fields alone
  return state;
}

void ReduceLROnPlateau::load_state_dict(const Value& state) {
  if (!state.is_dict() || state.find("num_bad_epochs") == nullptr)
    fail(
        "ReduceLROnPlateau: the state to load has no 'num_bad_epochs'; it must be what a schedule's "
        "state_dict() "
        "gave");
  if (const Value* lrs = state.find("min_lrs"); lrs != nullptr && lrs->size() != optimizer_->groups())
    fail("ReduceLROnPlateau: 'min_lrs' in the state to load is for {} parameter groups, the optimiser has {}",
         lrs->size(), optimizer_->groups());
  Fields fields(state, "ReduceLROnPlateau");
  visit(fields);
}

}  // namespace kiln::optim
