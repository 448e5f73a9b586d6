#include <kiln/nn/layers/pool2d.h>

#include <kiln/nn/repr.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

namespace {

Pair stride_or_kernel(Pair stride, Pair kernel) { return stride == Pair(0) ? kernel : stride; }

void check_sizes(const char* layer, Pair kernel, Pair stride, Pair padding) {
  if (kernel.h < 1 || kernel.w < 1 || stride.h < 1 || stride.w < 1)
    fail("{}: kernel_size and stride must be at least 1, got {} and {}", layer, repr(kernel), repr(stride));
  if (padding.h < 0 || padding.w < 0 || padding.h > kernel.h / 2 || padding.w > kernel.w / 2)
    fail("{}: padding must be between 0 and half the kernel_size, got {} for {}", layer, repr(padding),
         repr(kernel));
}

}  // namespace

MaxPool2d::MaxPool2d(Pair kernel_size, const Pool2dOptions& options)
    : kernel_size_(kernel_size), options_(options) {
  options_.stride = stride_or_kernel(options.stride, kernel_size);
  check_sizes("MaxPool2d", kernel_size, options_.stride, options.padding);
}

Tensor MaxPool2d::forward(const Tensor& x) const { return max_pool2d(x, kernel_size_, options_); }

std::string MaxPool2d::extra_repr() const {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
                     repr_short(kernel_size_), repr_short(options_.stride), repr_short(options_.padding),
                     repr_short(options_.dilation), repr(options_.ceil_mode));
}

AvgPool2d::AvgPool2d(Pair kernel_size, const Pool2dOptions& options)
    : kernel_size_(kernel_size), options_(options) {
  options_.stride = stride_or_kernel(options.stride, kernel_size);
  check_sizes("AvgPool2d", kernel_size, options_.stride, options.padding);
}

Tensor AvgPool2d::forward(const Tensor& x) const { return avg_pool2d(x, kernel_size_, options_); }

std::string AvgPool2d::extra_repr() const {
  return fmt::format("kernel_size={}, stride={}, padding={}", repr_short(kernel_size_),
                     repr_short(options_.stride), repr_short(options_.padding));
}

AdaptiveAvgPool2d::AdaptiveAvgPool2d(Pair output_size) : output_size_(output_size) {
  if (output_size.h < 0 || output_size.w < 0)
    fail("AdaptiveAvgPool2d: output_size must be at least 0, got {}", repr(output_size));
}

AdaptiveAvgPool2d::AdaptiveAvgPool2d(int64_t output_size) : AdaptiveAvgPool2d(Pair(output_size)) {
  one_number_ = true;
}

Tensor AdaptiveAvgPool2d::forward(const Tensor& x) const { return adaptive_avg_pool2d(x, output_size_); }

std::string AdaptiveAvgPool2d::extra_repr() const {
  return fmt::format("output_size={}", one_number_ ? repr_short(output_size_) : repr(output_size_));
}

}  // namespace kiln::nn
