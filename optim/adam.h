#pragma once

#include <kiln/optim/optimizer.h>

namespace kiln::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  // added to the gradient as weight_decay * parameter
  bool amsgrad = false;
  bool maximize = false;
};

struct AdamWOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;  // the parameter shrinks by the factor 1 - lr * weight_decay
  bool amsgrad = false;
  bool maximize = false;
};

// Adam (Kingma & Ba, 2015), and AdamW with decoupled weight decay (Loshchilov & Hutter, 2019). amsgrad:
// Reddi et al., 2018. Throws for options out of range, an empty list, a parameter given twice or that is not
// a leaf.
template <class Options>
class AdamWith final : public OptimizerWith<Options> {
 public:
  using Group = typename OptimizerWith<Options>::Group;

  explicit AdamWith(Tensors params, const Options& options = {});
  explicit AdamWith(const std::vector<Group>& groups);

  double momentum(size_t group = 0) const override { return this->options(group).betas.first; }
  void set_momentum(double momentum, size_t group = 0) override {
    this->options(group).betas.first = momentum;
  }

 private:
  std::span<const char* const> state_names() const override;
  int states_needed(size_t group) const override { return this->options(group).amsgrad ? 3 : 2; }
  bool counts_steps() const override { return true; }
  void update(size_t group, const kernels::StepRun& run, const Optimizer::Step& step) override;
  void visit(size_t group, Fields& fields) override;
  void check_options(size_t group) const override;
};
using Adam = AdamWith<AdamOptions>;
using AdamW = AdamWith<AdamWOptions>;

extern template class AdamWith<AdamOptions>;
extern template class AdamWith<AdamWOptions>;

}  // namespace kiln::optim
