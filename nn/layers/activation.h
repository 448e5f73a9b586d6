#pragma once

#include <kiln/autograd/ops.h>
#include <kiln/nn/module.h>

// Elementwise functions and softmax as layers, for Sequential.

namespace kiln::nn {

struct ReLUOptions {
  bool inplace = false;  // writes over x
};
struct ReLU : Module {
  NN_MEMBERS()
  explicit ReLU(const ReLUOptions& options = {}) : inplace_(options.inplace) {}
  Tensor forward(const Tensor& x) const { return inplace_ ? x.relu_() : relu(x); }
  std::string extra_repr() const override { return inplace_ ? "inplace=True" : ""; }

 private:
  bool inplace_;
};

struct LeakyReLU : Module {
  NN_MEMBERS()
  explicit LeakyReLU(double negative_slope = 0.01) : negative_slope_(negative_slope) {}
  Tensor forward(const Tensor& x) const { return leaky_relu(x, negative_slope_); }
  std::string extra_repr() const override;

 private:
  double negative_slope_;
};

struct GELU : Module {
  NN_MEMBERS()
  explicit GELU(GeluApproximation approximate = GeluApproximation::none) : approximate_(approximate) {}
  Tensor forward(const Tensor& x) const { return gelu(x, approximate_); }
  std::string extra_repr() const override;

 private:
  GeluApproximation approximate_;
};

struct SiLU : Module {
  NN_MEMBERS()
  Tensor forward(const Tensor& x) const { return silu(x); }
};

struct Sigmoid : Module {
  NN_MEMBERS()
  Tensor forward(const Tensor& x) const { return sigmoid(x); }
};

struct Tanh : Module {
  NN_MEMBERS()
  Tensor forward(const Tensor& x) const { return tanh(x); }
};

struct Softmax : Module {
  NN_MEMBERS()
  explicit Softmax(int dim) : dim_(dim) {}
  Tensor forward(const Tensor& x) const { return softmax(x, dim_); }
  std::string extra_repr() const override { return "dim=" + std::to_string(dim_); }

 private:
  int dim_;
};

struct LogSoftmax : Module {
  NN_MEMBERS()
  explicit LogSoftmax(int dim) : dim_(dim) {}
  Tensor forward(const Tensor& x) const { return log_softmax(x, dim_); }
  std::string extra_repr() const override { return "dim=" + std::to_string(dim_); }

 private:
  int dim_;
};

}  // namespace kiln::nn
