#include <kiln/models/classic/basic_conv2d.h>

#include <kiln/autograd/grad_mode.h>

namespace kiln::nn::models {

namespace {

Conv2dLayerOptions without_bias(Conv2dLayerOptions options) {
  options.bias = false;
  return options;
}

// Of each channel, like x.
Tensor channels(const Tensor& x, const std::vector<double>& values) {
  return from_values(values, {1, 3, 1, 1}).to(x.dtype()).to(x.device());
}

}  // namespace

BasicConv2d::BasicConv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
                         Conv2dLayerOptions options)
    : conv(in_channels, out_channels, kernel_size, without_bias(options)), bn(out_channels, {.eps = 0.001}) {}

Tensor normalised_to_unit(const Tensor& x) {
  Tensor scale, shift;
  {
    const NoGrad no_grad;
    scale = channels(x, {0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5});
    shift = channels(x, {(0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5});
  }
  return x * scale + shift;
}

}  // namespace kiln::nn::models
