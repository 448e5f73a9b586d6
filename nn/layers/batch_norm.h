#pragma once

#include <limits>
#include <optional>

#include <kiln/nn/module.h>

namespace kiln::nn {

// A layer's options; those of the op are BatchNormOptions.
struct BatchNormLayerOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  // nullopt: the running statistics are plain averages
  bool affine = true;
  bool track_running_stats = true;
};

// What BatchNorm1d and BatchNorm2d share: normalises each of dimension 1's channels over all the others, by
// the batch in training (and where no statistics are tracked), else by the running statistics.
struct BatchNorm : Module {
  Parameter weight, bias;            // [num_features], from 1 and 0; undefined unless affine
  Buffer running_mean, running_var;  // [num_features], from 0 and 1; undefined unless tracked
  Buffer num_batches_tracked;        // int64, 0-dim
  NN_MEMBERS(weight, bias, running_mean, running_var, num_batches_tracked)

  Tensor forward(const Tensor& x) const;
  // relu(forward(x)), relu6(forward(x)) and relu(forward(x) + residual) in one pass over memory. Where hooks
  // are registered they see the normalised x, at the cost of the separate passes.
  Tensor relu(const Tensor& x) const;
  Tensor relu6(const Tensor& x) const;
  Tensor add_relu(const Tensor& x, const Tensor& residual) const;
  int64_t num_features() const { return num_features_; }
  const BatchNormLayerOptions& options() const { return options_; }
  void reset_running_stats();
  void reset_parameters() override;
  std::string extra_repr() const override;

 protected:
  BatchNorm(const char* name, int64_t num_features, const BatchNormLayerOptions& options);
  virtual void check_rank(const Tensor& x) const = 0;

 private:
  // What follows in the same pass.
  struct Fused {
    bool relu = false;
    double relu_max = std::numeric_limits<double>::infinity();
    Tensor residual;
  };
  Tensor normalise(const Tensor& x, const Fused& fused) const;
  Tensor normalise_and_average(const Tensor& x, const Fused& fused) const;

  int64_t num_features_;
  BatchNormLayerOptions options_;
};

// x [N, C] or [N, C, L].
struct BatchNorm1d : BatchNorm {
  explicit BatchNorm1d(int64_t num_features, const BatchNormLayerOptions& options = {})
      : BatchNorm("BatchNorm1d", num_features, options) {}

 protected:
  void check_rank(const Tensor& x) const override;
};

// x [N, C, H, W].
struct BatchNorm2d : BatchNorm {
  explicit BatchNorm2d(int64_t num_features, const BatchNormLayerOptions& options = {})
      : BatchNorm("BatchNorm2d", num_features, options) {}

 protected:
  void check_rank(const Tensor& x) const override;
};

}  // namespace kiln::nn
