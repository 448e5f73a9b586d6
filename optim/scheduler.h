#pragma once

#include <string>
#include <vector>

#include <kiln/optim/optimizer.h>
#include <kiln/tensor/base/function.h>

// Learning-rate schedules with PyTorch's names, defaults and values. Each changes the learning rates of an
// optimiser, which must outlive it: at once when it is made, and at every step(), which is called after
// opt.step(), once an epoch or once a batch as the schedule is meant. Most work on the present learning rate,
// so schedules of one optimiser may be combined by stepping them all.
//
//     optim::StepLR schedule(optimizer, 30);
//     for (int epoch = 0; epoch < 90; ++epoch) {
//       train_an_epoch();
//       schedule.step();
//     }
//
// state_dict() holds PyTorch's keys; together with the optimiser's it continues a schedule. Arguments out of
// range throw.

namespace kiln::optim {

class LRScheduler {
 public:
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;
  virtual ~LRScheduler();

  virtual void step();
  // Of each group, as set by the last step.
  const std::vector<double>& get_last_lr() const { return last_lr_; }
  int64_t last_epoch() const { return last_epoch_; }
  Optimizer& optimizer() const { return *optimizer_; }

  Value state_dict() const;
  void load_state_dict(const Value& state);

 protected:
  LRScheduler(const char* name, Optimizer& optimizer);
  // The end of every constructor: sets the learning rates of epoch 0.
  void start();
  // The learning rate of a group at last_epoch_, from its present one.
  virtual double next_lr(size_t group) const = 0;
  // The same from the initial learning rate alone.
  virtual double closed_form(size_t group) const { return next_lr(group); }
  // Begins anew at epoch 0.
  virtual void restart();
  // The fields beyond the base's.
  virtual void visit(Fields& fields);

  const char* name_;
  Optimizer* optimizer_;
  std::vector<double> base_lrs_, last_lr_;
  int64_t last_epoch_ = -1, step_count_ = 0;

 private:
  friend class SequentialLR;
  void apply(bool closed);
  void visit_all(Fields& fields);
};

// lr *= gamma every step_size steps.
class StepLR final : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, int64_t step_size, double gamma = 0.1);

 private:
  double next_lr(size_t group) const override;
  double closed_form(size_t group) const override;
  void visit(Fields& fields) override;

  int64_t step_size_;
  double gamma_;
};

// lr *= gamma at each milestone (twice at one that is given twice).
class MultiStepLR final : public LRScheduler {
 public:
  MultiStepLR(Optimizer& optimizer, std::vector<int64_t> milestones, double gamma = 0.1);

 private:
  double next_lr(size_t group) const override;
  double closed_form(size_t group) const override;
  void visit(Fields& fields) override;

  std::vector<int64_t> milestones_;  // sorted
  double gamma_;
};

// lr *= gamma at every step.
class ExponentialLR final : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma);

 private:
  double next_lr(size_t group) const override;
  double closed_form(size_t group) const override;
  void visit(Fields& fields) override;

  double gamma_;
};

struct LinearLROptions {
  double start_factor = 1.0 / 3;
  double end_factor = 1;
  int64_t total_iters = 5;
};
// lr times a factor that goes from start_factor to end_factor in total_iters steps: a warm-up.
class LinearLR final : public LRScheduler {
 public:
  explicit LinearLR(Optimizer& optimizer, const LinearLROptions& options = {});

 private:
  double next_lr(size_t group) const override;
  double closed_form(size_t group) const override;
  void visit(Fields& fields) override;

  LinearLROptions options_;
};

// Half a cosine from lr to eta_min in T_max steps, and back. Loshchilov & Hutter, 2017, without restarts.
class CosineAnnealingLR final : public LRScheduler {
 public:
  CosineAnnealingLR(Optimizer& optimizer, int64_t T_max, double eta_min = 0);

 private:
  double next_lr(size_t group) const override;
  double closed_form(size_t group) const override;
  void visit(Fields& fields) override;

  int64_t t_max_;
  double eta_min_;
};

// The initial lr times factor(epoch). The function is not part of the state.
class LambdaLR final : public LRScheduler {
 public:
  LambdaLR(Optimizer& optimizer, Function<double(int64_t epoch)> factor);

 private:
  double next_lr(size_t group) const override;

  Function<double(int64_t)> factor_;
};

enum class AnnealStrategy : uint8_t { cos, linear };
struct OneCycleLROptions {
  int64_t total_steps = 0;  // or epochs and steps_per_epoch
  int64_t epochs = 0;
  int64_t steps_per_epoch = 0;
  double pct_start = 0.3;
  AnnealStrategy anneal_strategy = AnnealStrategy::cos;
  bool cycle_momentum = true;
  double base_momentum = 0.85;
  double max_momentum = 0.95;
  double div_factor = 25;
  double final_div_factor = 1e4;
  bool three_phase = false;
};
// From max_lr / div_factor up to max_lr and down to a final_div_factor-th of the start, once a batch;
// momentum (Adam: the first beta) goes the other way. Smith & Topin, 2018. Stepping beyond total_steps
// throws.
class OneCycleLR final : public LRScheduler {
 public:
  OneCycleLR(Optimizer& optimizer, double max_lr, const OneCycleLROptions& options);
  // One max_lr a parameter group.
  OneCycleLR(Optimizer& optimizer, const std::vector<double>& max_lrs, const OneCycleLROptions& options);

  void step() override;

 private:
  struct Phase {
    double end_step;
    const char *start_lr, *end_lr, *start_momentum, *end_momentum;  // the group's notes
  };

  std::vector<Phase> phases() const;
  double anneal(size_t group, bool momentum) const;
  void cycle_momentum();
  double next_lr(size_t group) const override { return anneal(group, false); }
  void restart() override;
  void visit(Fields& fields) override;

  OneCycleLROptions options_;
};

// One schedule after the other: the i-th starts, as if new, at milestone i - 1. They must belong to the
// optimiser and outlive this.
class SequentialLR final : public LRScheduler {
 public:
  SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers, std::vector<int64_t> milestones);

  void step() override;

 private:
  double next_lr(size_t group) const override;
  void restart() override;
  void visit(Fields& fields) override;

  std::vector<LRScheduler*> schedulers_;
  std::vector<int64_t> milestones_;
};

enum class PlateauMode : uint8_t { min, max };
enum class ThresholdMode : uint8_t { rel, abs };
struct ReduceLROnPlateauOptions {
  PlateauMode mode = PlateauMode::min;
  double factor = 0.1;
  int64_t patience = 10;
  double threshold = 1e-4;
  ThresholdMode threshold_mode = ThresholdMode::rel;
  int64_t cooldown = 0;
  double min_lr = 0;
  double eps = 1e-8;
};
// lr *= factor when the metric has not improved by the threshold for more than `patience` steps.
class ReduceLROnPlateau {
 public:
  explicit ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {});

  void step(double metric);
  double best() const { return best_; }

  Value state_dict() const;
  void load_state_dict(const Value& state);

 private:
  bool improves(double metric) const;
  void reduce();
  void visit(Fields& fields);

  Optimizer* optimizer_;
  ReduceLROnPlateauOptions options_;
  std::vector<double> min_lrs_, last_lr_;
  double best_;
  int64_t last_epoch_ = 0, bad_epochs_ = 0, cooldown_counter_ = 0;
};

}  // namespace kiln::optim
