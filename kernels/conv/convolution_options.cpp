#include <kiln/kernels/conv/convolution_options.h>

#include <mutex>

namespace kiln::cuda {
namespace {

std::mutex mutex;
ConvolutionOptions current;

}  // namespace

void set_convolution_options(const ConvolutionOptions& options) {
  const std::lock_guard lock(mutex);
  current = options;
}

ConvolutionOptions convolution_options() {
  const std::lock_guard lock(mutex);
  return current;
}

}  // namespace kiln::cuda
