#include <kiln/tensor/cuda/copy.h>

#include <cstring>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>
#include <kiln/tensor/cuda/found_error.h>
#include <kiln/tensor/cuda/pinned.h>
#include <kiln/tensor/cuda/selected_device.h>
#include <kiln/tensor/cuda/stream.h>

namespace kiln::cuda {
namespace {

void copy_between(void* to, Device to_device, const void* from, Device from_device, int64_t bytes) {
  if (to_device == from_device) {
    const CudaContext& ctx = CudaContext::of(to_device);
    CUDA_CHECK(cudaMemcpyAsync(to, from, size_t(bytes), cudaMemcpyDeviceToDevice, ctx.stream));
    return;
  }
  // Each device's stream waits for the other's: what is read is written, and is not freed too early.
  const Stream source = Stream::current(from_device), target = Stream::current(to_device);
  target.wait(source);
  const SelectedDevice selected(to_device);
  CUDA_CHECK(
      cudaMemcpyPeerAsync(to, to_device.index, from, from_device.index, size_t(bytes), target.handle()));
  source.wait(target);
}

}  // namespace

void copy_bytes(void* to, Device to_device, const void* from, Device from_device, int64_t bytes,
                bool non_blocking) {
  if (bytes == 0) return;
  if (to_device.is_cuda() && from_device.is_cuda())
    return copy_between(to, to_device, from, from_device, bytes);
  const bool to_host = to_device.is_cpu();
  if (to_host && from_device.is_cpu()) {
    std::memcpy(to, from, size_t(bytes));
    return;
  }
  const CudaContext& ctx = CudaContext::of(to_host ? from_device : to_device);
  const cudaMemcpyKind kind = to_host ? cudaMemcpyDeviceToHost : cudaMemcpyHostToDevice;
  CUDA_CHECK(cudaMemcpyAsync(to, from, size_t(bytes), kind, ctx.stream));
  const void* host = to_host ? to : from;
  if (non_blocking && is_pinned(host))
    return record_pinned_use(host, to_host ? from_device : to_device, ctx.stream);
  // From pageable memory the call has returned with the bytes in a buffer of the driver.
  if (!to_host && (non_blocking || !is_page_locked(host))) return;
  CUDA_CHECK(cudaStreamSynchronize(ctx.stream));
  if (to_host) throw_found_error();
}

}  // namespace kiln::cuda
