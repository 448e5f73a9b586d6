#include <kiln/tensor/cuda/allocator.h>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>

namespace kiln::cuda {

void* allocate(int64_t bytes, Device device) {
  if (bytes == 0) return nullptr;
  CudaContext::of(device);
  void* data = nullptr;
  CUDA_CHECK(cudaMalloc(&data, size_t(bytes)));
  return data;
}

void release(void* data, Device) { CUDA_CHECK_NOTHROW(cudaFree(data)); }

}  // namespace kiln::cuda
