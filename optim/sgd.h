#pragma once

#include <kiln/optim/optimizer.h>

namespace kiln::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;  // added to the gradient as weight_decay * parameter
  bool nesterov = false;
  bool maximize = false;
};

// Stochastic gradient descent, with PyTorch's form of momentum: the buffer starts as the first gradient, and
// the learning rate multiplies the buffer, not the gradient.
//
//     optim::SGD opt(model.parameters(), {.lr = 0.01, .momentum = 0.9});
//     opt.zero_grad();
//     loss.backward();
//     opt.step();
//
// Throws for negative options, an empty list, a parameter given twice or that is not a leaf.
class SGD final : public OptimizerWith<SGDOptions> {
 public:
  explicit SGD(Tensors params, const SGDOptions& options = {});
  explicit SGD(const std::vector<Group>& groups);

  double momentum(size_t group = 0) const override { return options(group).momentum; }
  void set_momentum(double momentum, size_t group = 0) override { options(group).momentum = momentum; }

 private:
  std::span<const char* const> state_names() const override;
  int states_needed(size_t group) const override { return options(group).momentum != 0 ? 1 : 0; }
  bool counts_steps() const override { return false; }
  bool starts_from_zeros(size_t group) const override { return options(group).dampening == 0; }
  void update(size_t group, const kernels::StepRun& run, const Optimizer::Step& step) override;
  void visit(size_t group, Fields& fields) override;
  void check_options(size_t group) const override;
};

}  // namespace kiln::optim
