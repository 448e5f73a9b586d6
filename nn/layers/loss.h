#pragma once

#include <kiln/autograd/ops_nn.h>
#include <kiln/nn/module.h>

// Losses as modules: loss(x, target). Their tensors (class weights) are buffers, so they move with to().

namespace kiln::nn {

// x [N,C] or [C] or [N,C,d1,...]: scores; target: class indices (int64) or probabilities of x's shape.
struct CrossEntropyLoss : Module {
  Buffer weight;  // [C], or undefined
  NN_MEMBERS(weight)

  explicit CrossEntropyLoss(const CrossEntropyOptions& options = {});
  Tensor forward(const Tensor& x, const Tensor& target) const;

 private:
  CrossEntropyOptions options_;
};

// x: logarithms of probabilities.
struct NLLLoss : Module {
  Buffer weight;  // [C], or undefined
  NN_MEMBERS(weight)

  explicit NLLLoss(const NllOptions& options = {});
  Tensor forward(const Tensor& log_probabilities, const Tensor& target) const;

 private:
  NllOptions options_;
};

struct MSELoss : Module {
  NN_MEMBERS()
  explicit MSELoss(Reduction reduction = Reduction::mean) : reduction_(reduction) {}
  Tensor forward(const Tensor& x, const Tensor& target) const { return mse_loss(x, target, reduction_); }

 private:
  Reduction reduction_;
};

struct L1Loss : Module {
  NN_MEMBERS()
  explicit L1Loss(Reduction reduction = Reduction::mean) : reduction_(reduction) {}
  Tensor forward(const Tensor& x, const Tensor& target) const { return l1_loss(x, target, reduction_); }

 private:
  Reduction reduction_;
};

struct SmoothL1Options {
  Reduction reduction = Reduction::mean;
  double beta = 1;
};
struct SmoothL1Loss : Module {
  NN_MEMBERS()
  explicit SmoothL1Loss(const SmoothL1Options& options = {}) : options_(options) {}
  Tensor forward(const Tensor& x, const Tensor& target) const {
    return smooth_l1_loss(x, target, options_.beta, options_.reduction);
  }

 private:
  SmoothL1Options options_;
};

// x: probabilities. Throws when options name a pos_weight, which only the other has.
struct BCELoss : Module {
  Buffer weight;
  NN_MEMBERS(weight)

  explicit BCELoss(const BceOptions& options = {});
  Tensor forward(const Tensor& x, const Tensor& target) const;

 private:
  Reduction reduction_;
};

// x: scores, before the sigmoid.
struct BCEWithLogitsLoss : Module {
  Buffer weight, pos_weight;
  NN_MEMBERS(weight, pos_weight)

  explicit BCEWithLogitsLoss(const BceOptions& options = {});
  Tensor forward(const Tensor& x, const Tensor& target) const;

 private:
  Reduction reduction_;
};

}  // namespace kiln::nn
