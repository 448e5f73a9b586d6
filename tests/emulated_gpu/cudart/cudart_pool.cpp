#include <cuda_runtime.h>

#include <cstdint>

#include "api.h"
#include "memory.h"

// Allocation in stream order. There is one pool a device, and it keeps nothing.

namespace kiln::emulated {
namespace {

cudaMemPool_t pool_of(int device) {
  return reinterpret_cast<cudaMemPool_t>(uintptr_t{0x3000} + 16 * unsigned(device));
}

int device_of(cudaMemPool_t pool) {
  for (int d = 0; d < options().devices; ++d)
    if (pool_of(d) == pool) return d;
  return -1;
}

}  // namespace
}  // namespace kiln::emulated

using namespace kiln::emulated;

extern "C" {

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  return api([&](Runtime&) {
    if (device < 0 || device >= options().devices) return cudaErrorInvalidDevice;
    *pool = pool_of(device);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) {
  return cudaDeviceGetDefaultMemPool(pool, device);
}

cudaError_t cudaMallocFromPoolAsync(void** p, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  return api([&](Runtime& runtime) {
    const Stream* known = runtime.find(stream);
    const int device = device_of(pool);
    if (!p || device < 0) return cudaErrorInvalidValue;
    if (!known) return cudaErrorInvalidResourceHandle;
    if (known->capture) return runtime.refuse_during_capture();  // CUDA makes a memory node; Kiln wants none
    ++runtime.counters.allocations;
    *p = bytes ? allocate_device(bytes, device) : nullptr;
    return bytes && !*p ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}

cudaError_t cudaMallocAsync(void** p, size_t bytes, cudaStream_t stream) {
  return cudaMallocFromPoolAsync(p, bytes, pool_of(Runtime::get().device()), stream);
}

cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  return api([&](Runtime& runtime) {
    if (!p) return cudaSuccess;
    if (!device_allocation(p, 1)) return cudaErrorInvalidValue;
    const Stream* known = runtime.find(stream);
    if (known && known->capture) return runtime.refuse_during_capture();
    ++runtime.counters.frees;
    return runtime.submit(stream, [p] {
      return release_device(p) ? no_failure()
                               : Failure{cudaErrorInvalidValue, "cudaFreeAsync: memory was freed twice"};
    });
  });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr, void*) {
  return api([&](Runtime&) { return device_of(pool) < 0 ? cudaErrorInvalidValue : cudaSuccess; });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr which, void* value) {
  return api([&](Runtime&) {
    const int device = device_of(pool);
    if (device < 0) return cudaErrorInvalidValue;
    if (which != cudaMemPoolAttrUsedMemCurrent && which != cudaMemPoolAttrReservedMemCurrent)
      return cudaErrorNotSupported;
    *static_cast<uint64_t*>(value) = device_bytes_in_use(device);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t) {
  return api([&](Runtime&) { return device_of(pool) < 0 ? cudaErrorInvalidValue : cudaSuccess; });
}
}
