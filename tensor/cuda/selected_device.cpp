#include <kiln/tensor/cuda/selected_device.h>

#include <kiln/tensor/cuda/check.h>

namespace kiln::cuda {

SelectedDevice::SelectedDevice(Device device) : now_(device.index) {
  CUDA_CHECK(cudaGetDevice(&before_));
  if (before_ != now_) CUDA_CHECK(cudaSetDevice(now_));
}
SelectedDevice::~SelectedDevice() {
  if (before_ != now_) CUDA_CHECK_NOTHROW(cudaSetDevice(before_));
}

}  // namespace kiln::cuda
