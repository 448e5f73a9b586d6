#include <kiln/tensor/cuda/copy.h>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>

namespace kiln::cuda {

void copy_bytes(void* to, Device to_device, const void* from, Device from_device, int64_t bytes) {
  if (bytes == 0) return;
  const CudaContext& ctx = CudaContext::of(to_device.is_cuda() ? to_device : from_device);
  CUDA_CHECK(cudaMemcpyAsync(to, from, size_t(bytes), cudaMemcpyDefault, ctx.stream));
  if (to_device.is_cuda() && from_device.is_cuda()) return;
  CUDA_CHECK(cudaStreamSynchronize(ctx.stream));
}

}  // namespace kiln::cuda
