#include <kiln/nn/layers/conv2d.h>

#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/nn/init.h>
#include <kiln/nn/repr.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

Padding::Padding(const char* name) : same(std::string_view(name) == "same") {
  if (!same && std::string_view(name) != "valid")
    fail("Conv2d: padding must be a number, a pair, \"same\" or \"valid\", got \"{}\"", name);
}

namespace {

void check(int64_t in_channels, int64_t out_channels, Pair kernel, const Conv2dLayerOptions& options) {
  const auto& [stride, padding, dilation, groups, bias, mode] = options;
  if (groups < 1 || in_channels < 1 || out_channels < 1 || in_channels % groups != 0 ||
      out_channels % groups != 0)
    fail("Conv2d: groups must divide both channel counts, got {} groups for {} and {} channels", groups,
         in_channels, out_channels);
  const auto check_pair = [](const char* what, Pair value, int64_t least) {
    if (value.h < least || value.w < least)
      fail("Conv2d: {} must be at least {}, got {}", what, least, repr(value));
  };
  check_pair("kernel_size", kernel, 1);
  check_pair("stride", stride, 1);
  check_pair("dilation", dilation, 1);
  check_pair("padding", padding.size, 0);
  if (padding.same && !(stride == Pair(1)))
    fail("Conv2d: padding \"same\" needs stride 1, got {}", repr(stride));
}

const char* name_of(PaddingMode mode) {
  switch (mode) {
    case PaddingMode::reflect:
      return "reflect";
    case PaddingMode::replicate:
      return "replicate";
    case PaddingMode::circular:
      return "circular";
    default:
      return "zeros";
  }
}

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size, const Conv2dLayerOptions& options)
    : options_(options) {
  check(in_channels, out_channels, kernel_size, options);
  weight = Parameter(empty({out_channels, in_channels / options.groups, kernel_size.h, kernel_size.w}));
  if (options.bias) bias = Parameter(empty({out_channels}));
  Conv2d::reset_parameters();
}

Tensor Conv2d::forward(const Tensor& x) const {
  Conv2dOptions plain{.stride = options_.stride,
                      .padding = options_.padding.size,
                      .dilation = options_.dilation,
                      .groups = options_.groups};
  int64_t left = plain.padding.w, right = left, top = plain.padding.h, bottom = top;
  if (options_.padding.same) {
    int64_t height = 0, width = 0;
    if (__builtin_mul_overflow(options_.dilation.h, kernel_size().h - 1, &height) ||
        __builtin_mul_overflow(options_.dilation.w, kernel_size().w - 1, &width))
      fail("Conv2d: a kernel of {} with dilation {} reaches further than int64 counts", repr(kernel_size()),
           repr(options_.dilation));
    // An odd total pads one more on the right and below, as PyTorch does.
    left = width / 2, right = width - left, top = height / 2, bottom = height - top;
  }
  const bool zeros = options_.padding_mode == PaddingMode::zeros;
  if (zeros && left == right && top == bottom) {
    plain.padding = {top, left};
    return conv2d(x, weight, bias, plain);
  }
  plain.padding = 0;
  return conv2d(pad2d(x, left, right, top, bottom, options_.padding_mode), weight, bias, plain);
}

void Conv2d::reset_parameters() {
  init::kaiming_uniform_(weight, {.a = std::sqrt(5.0)});
  if (!bias.defined()) return;
  const int64_t fan_in = weight.numel() / out_channels();
  const double bound = 1 / std::sqrt(double(fan_in));
  init::uniform_(bias, -bound, bound);
}

std::string Conv2d::extra_repr() const {
  std::string text = fmt::format("{}, {}, kernel_size={}, stride={}", in_channels(), out_channels(),
                                 repr(kernel_size()), repr(options_.stride));
  if (options_.padding.same)
    text += ", padding=same";
  else if (!(options_.padding.size == Pair(0)))
    text += ", padding=" + repr(options_.padding.size);
  if (!(options_.dilation == Pair(1))) text += ", dilation=" + repr(options_.dilation);
  if (options_.groups != 1) text += fmt::format(", groups={}", options_.groups);
  if (!bias.defined()) text += ", bias=False";
  if (options_.padding_mode != PaddingMode::zeros)
    text += fmt::format(", padding_mode={}", name_of(options_.padding_mode));
  return text;
}

int64_t Conv2d::flops(const Tensors&, const Tensors& outputs) const {
  return 2 * outputs[0].numel() * (weight.numel() / out_channels());
}

}  // namespace kiln::nn
