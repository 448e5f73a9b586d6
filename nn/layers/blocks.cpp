#include <kiln/nn/layers/blocks.h>

#include <kiln/nn/layers/dropout.h>
#include <kiln/nn/layers/linear.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn {

NormLayer batch_norm_2d(const BatchNormLayerOptions& options) {
  return [options](int64_t features) -> AnyModule { return BatchNorm2d(features, options); };
}

Conv2dNormActivation::Conv2dNormActivation(int64_t in_channels, int64_t out_channels, Pair kernel_size,
                                           const Conv2dNormActivationOptions& options) {
  const auto& [stride, padding, groups, norm_layer, activation_layer, dilation, bias] = options;
  const Pair half{mul_sat(sub_sat(kernel_size.h, 1) / 2, dilation.h),
                  mul_sat(sub_sat(kernel_size.w, 1) / 2, dilation.w)};
  push_back(Conv2d(in_channels, out_channels, kernel_size,
                   {.stride = stride,
                    .padding = padding.value_or(half),
                    .dilation = dilation,
                    .groups = groups,
                    .bias = bias.value_or(!norm_layer)}));
  if (norm_layer) push_back(norm_layer(out_channels));
  if (!activation_layer.empty()) push_back(activation_layer);
}

Tensor Conv2dNormActivation::forward(const Tensor& x) const {
  if (size() == 3) {
    const auto* norm = (*this)[1].find<BatchNorm2d>();
    const auto* relu = (*this)[2].find<ReLU>();
    const auto* relu6 = (*this)[2].find<ReLU6>();
    if (norm != nullptr && relu != nullptr && !relu->has_hooks()) return norm->relu((*this)[0](x));
    if (norm != nullptr && relu6 != nullptr && !relu6->has_hooks()) return norm->relu6((*this)[0](x));
  }
  return Sequential::forward(x);
}

MLP::MLP(int64_t in_channels, const std::vector<int64_t>& hidden_channels, const MLPOptions& options) {
  if (hidden_channels.empty()) fail("MLP: hidden_channels must name at least one size");
  int64_t in = in_channels;
  for (size_t i = 0; i < hidden_channels.size(); ++i) {
    const int64_t out = hidden_channels[i];
    push_back(Linear(in, out, {.bias = options.bias}));
    if (i + 1 < hidden_channels.size()) {
      if (options.norm_layer) push_back(options.norm_layer(out));
      if (!options.activation_layer.empty()) push_back(options.activation_layer);
    }
    push_back(Dropout(options.dropout, {.inplace = options.inplace}));
    in = out;
  }
}

}  // namespace kiln::nn
