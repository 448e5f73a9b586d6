#include <kiln/tensor/settings.h>

#include <atomic>
#include <mutex>

namespace kiln {
namespace {

std::atomic<Float32Precision> precision_of_all = Float32Precision::highest;

std::mutex mutex;
cuda::ConvolutionOptions convolutions_of_all;

}  // namespace

void set_float32_matmul_precision(Float32Precision precision) { precision_of_all = precision; }
Float32Precision float32_matmul_precision() { return precision_of_all; }

namespace cuda {

void set_convolution_options(const ConvolutionOptions& options) {
  const std::lock_guard lock(mutex);
  convolutions_of_all = options;
}

ConvolutionOptions convolution_options() {
  const std::lock_guard lock(mutex);
  return convolutions_of_all;
}

}  // namespace cuda
}  // namespace kiln
