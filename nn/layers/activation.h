#pragma once

#include <kiln/autograd/ops.h>
#include <kiln/nn/module.h>

// Elementwise functions and softmax as layers, for Sequential.

namespace kiln::nn {

// Of the layers that may write over x.
struct ActivationOptions {
  bool inplace = false;
};
struct ReLU : Module {
  NN_MEMBERS()
  explicit ReLU(const ActivationOptions& options = {}) : inplace_(options.inplace) {}
  Tensor forward(const Tensor& x) const { return inplace_ ? x.relu_() : relu(x); }
  std::string extra_repr() const override { return inplace_ ? "inplace=True" : ""; }

 private:
  bool inplace_;
};

struct ReLU6 : Module {
  NN_MEMBERS()
  explicit ReLU6(const ActivationOptions& options = {}) : inplace_(options.inplace) {}
  Tensor forward(const Tensor& x) const { return inplace_ ? relu6_(x) : relu6(x); }
  std::string extra_repr() const override { return inplace_ ? "inplace=True" : ""; }

 private:
  bool inplace_;
};

// PyTorch's Hardswish and Hardsigmoid do not print inplace.
struct Hardswish : Module {
  NN_MEMBERS()
  explicit Hardswish(const ActivationOptions& options = {}) : inplace_(options.inplace) {}
  Tensor forward(const Tensor& x) const { return inplace_ ? hardswish_(x) : hardswish(x); }

 private:
  bool inplace_;
};

struct Hardsigmoid : Module {
  NN_MEMBERS()
  explicit Hardsigmoid(const ActivationOptions& options = {}) : inplace_(options.inplace) {}
  Tensor forward(const Tensor& x) const { return inplace_ ? hardsigmoid_(x) : hardsigmoid(x); }

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
  explicit SiLU(const ActivationOptions& options = {}) : inplace_(options.inplace) {}
  Tensor forward(const Tensor& x) const { return inplace_ ? silu_(x) : silu(x); }
  std::string extra_repr() const override { return inplace_ ? "inplace=True" : ""; }

 private:
  bool inplace_;
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
