#include <algorithm>
#include <cmath>
#include <numbers>

#include <kiln/optim/scheduler.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

// The schedules whose next learning rate follows from the present one. The formulas are PyTorch's, in its
// order, so that long runs agree to the last bits.

namespace kiln::optim {

using std::numbers::pi;

StepLR::StepLR(Optimizer& optimizer, int64_t step_size, double gamma)
    : LRScheduler("StepLR", optimizer), step_size_(step_size), gamma_(gamma) {
  if (step_size < 1) fail("StepLR: step_size {} must be at least 1", step_size);
  start();
}

double StepLR::next_lr(size_t group) const {
  const double lr = optimizer_->lr(group);
  return last_epoch_ == 0 || last_epoch_ % step_size_ != 0 ? lr : lr * gamma_;
}

double StepLR::closed_form(size_t group) const {
  const int64_t steps = last_epoch_ / step_size_;
  return base_lrs_[group] * std::pow(gamma_, double(steps));
}

void StepLR::visit(Fields& fields) {
  fields("step_size", step_size_);
  fields("gamma", gamma_);
}

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<int64_t> milestones, double gamma)
    : LRScheduler("MultiStepLR", optimizer), milestones_(std::move(milestones)), gamma_(gamma) {
  std::sort(milestones_.begin(), milestones_.end());
  start();
}

double MultiStepLR::next_lr(size_t group) const {
  const auto times = std::count(milestones_.begin(), milestones_.end(), last_epoch_);
  return times == 0 ? optimizer_->lr(group) : optimizer_->lr(group) * std::pow(gamma_, double(times));
}

double MultiStepLR::closed_form(size_t group) const {
  const auto passed = std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch_);
  return base_lrs_[group] * std::pow(gamma_, double(passed - milestones_.begin()));
}

// PyTorch keeps a Counter: a dict from milestone to how often.
void MultiStepLR::visit(Fields& fields) {
  fields("gamma", gamma_);
  if (fields.to() != nullptr) {
    Value counts = Value::dict();
    for (const int64_t milestone : milestones_)
      counts[milestone] = std::count(milestones_.begin(), milestones_.end(), milestone);
    (*fields.to())["milestones"] = std::move(counts);
    return;
  }
  const Value* counts = fields.find("milestones");
  if (counts == nullptr) return;
  milestones_.clear();
  for (const auto& [milestone, count] : counts->entries())
    milestones_.insert(milestones_.end(), size_t(std::max<int64_t>(0, count.as_int())), milestone.number());
  std::sort(milestones_.begin(), milestones_.end());
}

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma)
    : LRScheduler("ExponentialLR", optimizer), gamma_(gamma) {
  if (!std::isfinite(gamma)) fail("ExponentialLR: gamma {} must be finite", gamma);
  start();
}

double ExponentialLR::next_lr(size_t group) const {
  return last_epoch_ == 0 ? optimizer_->lr(group) : optimizer_->lr(group) * gamma_;
}

double ExponentialLR::closed_form(size_t group) const {
  return base_lrs_[group] * std::pow(gamma_, double(last_epoch_));
}

void ExponentialLR::visit(Fields& fields) { fields("gamma", gamma_); }

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& options)
    : LRScheduler("LinearLR", optimizer), options_(options) {
  // PyTorch divides by a growing start_factor, so 0 gives infinity there.
  if (!(options.start_factor > 0 && options.start_factor <= 1))
    fail("LinearLR: start_factor {} must be above 0 and at most 1", options.start_factor);
  if (!(options.end_factor >= 0 && options.end_factor <= 1))
    fail("LinearLR: end_factor {} must be from 0 to 1", options.end_factor);
  if (options.total_iters < 1) fail("LinearLR: total_iters {} must be at least 1", options.total_iters);
  start();
}

double LinearLR::next_lr(size_t group) const {
  const double lr = optimizer_->lr(group);
  const auto [first, last, total] = options_;
  if (last_epoch_ == 0) return lr * first;
  if (last_epoch_ > total) return lr;
  return lr * (1 + (last - first) / (double(total) * first + double(last_epoch_ - 1) * (last - first)));
}

double LinearLR::closed_form(size_t group) const {
  const auto [first, last, total] = options_;
  return base_lrs_[group] * (first + (last - first) * double(std::min(total, last_epoch_)) / double(total));
}

void LinearLR::visit(Fields& fields) {
  fields("start_factor", options_.start_factor);
  fields("end_factor", options_.end_factor);
  fields("total_iters", options_.total_iters);
}

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, int64_t T_max, double eta_min)
    : LRScheduler("CosineAnnealingLR", optimizer), t_max_(T_max), eta_min_(eta_min) {
  if (T_max < 1) fail("CosineAnnealingLR: T_max {} must be at least 1", T_max);
  start();
}

double CosineAnnealingLR::next_lr(size_t group) const {
  const double lr = optimizer_->lr(group), epoch = double(last_epoch_), period = double(t_max_);
  if (last_epoch_ == 0) return lr;
  if ((last_epoch_ - 1 - t_max_) % mul_sat(2, t_max_) == 0)
    return lr + (base_lrs_[group] - eta_min_) * (1 - std::cos(pi / period)) / 2;
  return (1 + std::cos(pi * epoch / period)) / (1 + std::cos(pi * (epoch - 1) / period)) * (lr - eta_min_) +
         eta_min_;
}

double CosineAnnealingLR::closed_form(size_t group) const {
  return eta_min_ +
         (base_lrs_[group] - eta_min_) * (1 + std::cos(pi * double(last_epoch_) / double(t_max_))) / 2;
}

void CosineAnnealingLR::visit(Fields& fields) {
  fields("T_max", t_max_);
  fields("eta_min", eta_min_);
}

LambdaLR::LambdaLR(Optimizer& optimizer, Function<double(int64_t)> factor)
    : LRScheduler("LambdaLR", optimizer), factor_(std::move(factor)) {
  if (!factor_) fail("LambdaLR: the function is empty");
  start();
}

double LambdaLR::next_lr(size_t group) const { return base_lrs_[group] * factor_(last_epoch_); }

}  // namespace kiln::optim
