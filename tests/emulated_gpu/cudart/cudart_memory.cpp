#include <cuda_runtime.h>

#include <cstring>
#include <memory>
#include <vector>

#include "api.h"
#include "memory.h"
#include "sanitizer_hooks.h"

// Memory, copies and fills of the CUDA runtime.

namespace kiln::emulated {
namespace {

cudaError_t check_copy(const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = is_device_address(to), from_device = is_device_address(from);
  if (to_device && !device_allocation(to, bytes)) return cudaErrorInvalidValue;
  if (from_device && !device_allocation(from, bytes)) return cudaErrorInvalidValue;
  if (kind == cudaMemcpyDefault) return cudaSuccess;
  const bool wants_to = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool wants_from = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  return to_device == wants_to && from_device == wants_from ? cudaSuccess : cudaErrorInvalidMemcpyDirection;
}

// Runs on the device. Memory that was freed since the call is what a kernel would find: closed.
Failure copy_now(void* to, const void* from, size_t bytes) {
  if ((is_device_address(to) && !device_allocation(to, bytes)) ||
      (is_device_address(from) && !device_allocation(from, bytes)))
    return {cudaErrorIllegalAddress, "a copy ran after its memory was freed"};
  const DeviceAccess open;
  std::memmove(to, from, bytes);
  if (is_device_address(to)) {
    if (is_device_address(from) && sanitizer.device_copy)
      sanitizer.device_copy(to, from, bytes);
    else if (sanitizer.device_write)
      sanitizer.device_write(to, bytes);
  }
  return no_failure();
}

cudaError_t copy(Runtime& runtime, void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                 cudaStream_t stream) {
  if (const cudaError_t error = check_copy(to, from, bytes, kind)) return error;
  const Stream* known = runtime.find(stream);
  if (!known) return cudaErrorInvalidResourceHandle;
  ++runtime.counters.copies;
  if (!bytes) return cudaSuccess;
  const bool pageable_from = !is_device_address(from) && !is_pinned(from);
  const bool pageable_to = !is_device_address(to) && !is_pinned(to);
  if (known->capture && (pageable_from || pageable_to)) return runtime.refuse_during_capture();
  if (pageable_from) {  // staged before the call returns
    const auto* bytes_from = static_cast<const char*>(from);
    auto staged = std::make_shared<std::vector<char>>(bytes_from, bytes_from + bytes);
    const cudaError_t error = runtime.submit(stream, [=] { return copy_now(to, staged->data(), bytes); });
    if (error != cudaSuccess || !pageable_to) return error;
  } else if (const cudaError_t error = runtime.submit(stream, [=] { return copy_now(to, from, bytes); })) {
    return error;
  }
  if (!pageable_to) return cudaSuccess;
  ++runtime.counters.synchronizations;  // the call returns when the memory is written
  return runtime.synchronize(stream);
}

cudaError_t fill(Runtime& runtime, void* p, int value, size_t bytes, cudaStream_t stream) {
  if (bytes && !device_allocation(p, bytes)) return cudaErrorInvalidValue;
  ++runtime.counters.copies;
  if (!bytes) return cudaSuccess;
  return runtime.submit(stream, [=] {
    if (!device_allocation(p, bytes))
      return Failure{cudaErrorIllegalAddress, "a fill ran after its memory was freed"};
    const DeviceAccess open;
    std::memset(p, value, bytes);
    if (sanitizer.device_write) sanitizer.device_write(p, bytes);
    return no_failure();
  });
}

}  // namespace
}  // namespace kiln::emulated

using namespace kiln::emulated;

extern "C" {

cudaError_t cudaMalloc(void** p, size_t bytes) {
  return api([&](Runtime& runtime) {
    if (!p) return cudaErrorInvalidValue;
    if (const cudaError_t error = runtime.refuse_during_capture()) return error;
    ++runtime.counters.allocations;
    *p = bytes ? allocate_device(bytes, runtime.device()) : nullptr;
    return bytes && !*p ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}

cudaError_t cudaFree(void* p) {
  return api([&](Runtime& runtime) {
    if (!p) return cudaSuccess;
    if (!device_allocation(p, 1)) return cudaErrorInvalidValue;
    ++runtime.counters.frees;
    ++runtime.counters.synchronizations;
    const cudaError_t error = runtime.synchronize_device();
    if (!release_device(p)) return cudaErrorInvalidValue;
    return error;
  });
}

cudaError_t cudaHostAlloc(void** p, size_t bytes, unsigned) {
  return api([&](Runtime& runtime) {
    if (!p) return cudaErrorInvalidValue;
    if (const cudaError_t error = runtime.refuse_during_capture()) return error;
    ++runtime.counters.allocations;
    *p = allocate_pinned(bytes);
    return *p ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaMallocHost(void** p, size_t bytes) { return cudaHostAlloc(p, bytes, cudaHostAllocDefault); }

cudaError_t cudaFreeHost(void* p) {
  return api([&](Runtime& runtime) {
    if (!p) return cudaSuccess;
    ++runtime.counters.frees;
    ++runtime.counters.synchronizations;
    const cudaError_t error = runtime.synchronize_device();
    return release_pinned(p) ? error : cudaErrorInvalidValue;
  });
}

cudaError_t cudaHostRegister(void* p, size_t bytes, unsigned) {
  return api([&](Runtime&) {
    return register_pinned(p, bytes) ? cudaSuccess : cudaErrorHostMemoryAlreadyRegistered;
  });
}

cudaError_t cudaHostUnregister(void* p) {
  return api([&](Runtime&) { return unregister_pinned(p) ? cudaSuccess : cudaErrorHostMemoryNotRegistered; });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return api([&](Runtime& runtime) { return copy(runtime, to, from, bytes, kind, stream); });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return api([&](Runtime& runtime) {
    if (const cudaError_t error = runtime.refuse_during_capture()) return error;
    if (const cudaError_t error = copy(runtime, to, from, bytes, kind, nullptr)) return error;
    ++runtime.counters.synchronizations;
    return runtime.synchronize(cudaStream_t{});
  });
}

cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t bytes, cudaStream_t stream) {
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}

cudaError_t cudaMemsetAsync(void* p, int value, size_t bytes, cudaStream_t stream) {
  return api([&](Runtime& runtime) { return fill(runtime, p, value, bytes, stream); });
}

cudaError_t cudaMemset(void* p, int value, size_t bytes) { return cudaMemsetAsync(p, value, bytes, nullptr); }

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return api([&](Runtime& runtime) {
    *total = options().memory;
    *free = options().memory - device_bytes_in_use(runtime.device());
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* p) {
  return api([&](Runtime& runtime) {
    *attributes = {};
    attributes->device = runtime.device();
    if (const Allocation* a = device_allocation(p, 1)) {
      attributes->type = cudaMemoryTypeDevice;
      attributes->device = a->device;
      attributes->devicePointer = const_cast<void*>(p);
    } else if (is_pinned(p)) {
      attributes->type = cudaMemoryTypeHost;
      attributes->hostPointer = attributes->devicePointer = const_cast<void*>(p);
    } else if (is_device_address(p)) {
      return cudaErrorInvalidValue;
    } else {
      attributes->type = cudaMemoryTypeUnregistered;
      attributes->hostPointer = const_cast<void*>(p);
    }
    return cudaSuccess;
  });
}
}
