#pragma once

#include <kiln/autograd/ops_nn.h>
#include <kiln/nn/module.h>

namespace kiln::nn {

struct MaxPool2d : Module {
  NN_MEMBERS()

  explicit MaxPool2d(Pair kernel_size, const Pool2dOptions& options = {});
  Tensor forward(const Tensor& x) const;
  std::string extra_repr() const override;

 private:
  Pair kernel_size_;
  Pool2dOptions options_;
};

struct AvgPool2d : Module {
  NN_MEMBERS()

  explicit AvgPool2d(Pair kernel_size, const Pool2dOptions& options = {});
  Tensor forward(const Tensor& x) const;
  std::string extra_repr() const override;

 private:
  Pair kernel_size_;
  Pool2dOptions options_;
};

// Any input size to one output size.
struct AdaptiveAvgPool2d : Module {
  NN_MEMBERS()

  explicit AdaptiveAvgPool2d(Pair output_size);
  // The same for both; printed as one number, as PyTorch does.
  explicit AdaptiveAvgPool2d(int64_t output_size);
  Tensor forward(const Tensor& x) const;
  std::string extra_repr() const override;

 private:
  Pair output_size_;
  bool one_number_ = false;
};

}  // namespace kiln::nn
