#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "api.h"
#include "grid/cooperative.h"

// Devices of the CUDA runtime: an H100's numbers, but for what depends on the machine and the number of
// processors.

namespace kiln::emulated {
namespace {

constexpr int kWarp = 32, kMaxThreadsPerBlock = 1024, kRegisters = 65536, kMajor = 9, kMinor = 0,
              kL2Bytes = 50 << 20, kDriver = 13000;

cudaDeviceProp properties(int device) {
  cudaDeviceProp p{};
  std::snprintf(p.name, sizeof p.name, "Kiln emulated GPU %d", device);
  p.totalGlobalMem = options().memory;
  p.sharedMemPerBlock = size_t(kStaticSharedBytes);
  p.sharedMemPerBlockOptin = size_t(kDynamicSharedBytes);
  p.sharedMemPerMultiprocessor = size_t(kSharedPerProcessor);
  p.reservedSharedMemPerBlock = size_t(kReservedShared);
  p.regsPerBlock = p.regsPerMultiprocessor = kRegisters;
  p.warpSize = kWarp;
  p.maxThreadsPerBlock = kMaxThreadsPerBlock;
  p.maxThreadsPerMultiProcessor = kMaxThreadsPerProcessor;
  p.maxBlocksPerMultiProcessor = kMaxBlocksPerProcessor;
  p.multiProcessorCount = options().processors;
  p.major = kMajor;
  p.minor = kMinor;
  p.l2CacheSize = kL2Bytes;
  p.maxThreadsDim[0] = p.maxThreadsDim[1] = kMaxThreadsPerBlock;
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = 0x7fffffff;
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  p.memoryBusWidth = 5120;
  p.concurrentKernels = p.asyncEngineCount = p.unifiedAddressing = 1;
  p.cooperativeLaunch = options().cooperative;
  p.memoryPoolsSupported = p.streamPrioritiesSupported = 1;
  p.textureAlignment = 512;
  p.pciBusID = device;
  return p;
}

cudaError_t attribute(cudaDeviceAttr which, int* value) {
  switch (which) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = kMaxThreadsPerBlock;
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = options().processors;
      return cudaSuccess;
    case cudaDevAttrWarpSize:
      *value = kWarp;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = kStaticSharedBytes;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = kDynamicSharedBytes;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = kSharedPerProcessor;
      return cudaSuccess;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = kMaxThreadsPerProcessor;
      return cudaSuccess;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      *value = kMaxBlocksPerProcessor;
      return cudaSuccess;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      *value = kRegisters;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = kMajor;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = kMinor;
      return cudaSuccess;
    case cudaDevAttrL2CacheSize:
      *value = kL2Bytes;
      return cudaSuccess;
    case cudaDevAttrCooperativeLaunch:
      *value = options().cooperative;
      return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 1;
      return cudaSuccess;
    default:
      return cudaErrorInvalidValue;  // nothing of Kiln's asks for it
  }
}

bool exists(int device) { return device >= 0 && device < options().devices; }

}  // namespace
}  // namespace kiln::emulated

using namespace kiln::emulated;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = options().devices;
  return api([](Runtime&) { return cudaSuccess; });
}

cudaError_t cudaGetDevice(int* device) {
  return api([&](Runtime& runtime) {
    *device = runtime.device();
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return api([&](Runtime& runtime) {
    if (!exists(device)) return cudaErrorInvalidDevice;
    runtime.set_device(device);
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  return api([&](Runtime&) {
    if (!p) return cudaErrorInvalidValue;
    if (!exists(device)) return cudaErrorInvalidDevice;
    *p = properties(device);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device) {
  return api([&](Runtime&) { return exists(device) ? attribute(which, value) : cudaErrorInvalidDevice; });
}

cudaError_t cudaDeviceSynchronize() {
  return api([](Runtime& runtime) {
    ++runtime.counters.synchronizations;
    return runtime.synchronize_device();
  });
}

cudaError_t cudaDeviceReset() {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  runtime.reset_device();
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return api([&](Runtime&) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  return api([&](Runtime&) {
    if (!exists(device) || !exists(peer)) return cudaErrorInvalidDevice;
    *can = device != peer;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
  return api([&](Runtime&) { return exists(peer) ? cudaSuccess : cudaErrorInvalidDevice; });
}

// 0 tells that there is no driver. An emulated machine without a device has one all the same.
cudaError_t cudaDriverGetVersion(int* version) {
  *version = kDriver;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute which, int value) {
  return api([&](Runtime&) {
    if (which == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;
    if (which != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || value > kDynamicSharedBytes)
      return cudaErrorInvalidValue;
    set_dynamic_shared_limit(kernel, value);
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* a, const void* kernel) {
  return api([&](Runtime&) {
    *a = {};
    a->maxThreadsPerBlock = kMaxThreadsPerBlock;
    a->maxDynamicSharedSizeBytes = dynamic_shared_limit(kernel);
    a->numRegs = kWarp;  // nobody has assigned registers here; the budget file has the true number
    a->binaryVersion = a->ptxVersion = kMajor * 10 + kMinor;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void*, int threads,
                                                                   size_t shared_bytes, unsigned) {
  return api([&](Runtime&) {
    if (threads < 1 || threads > kMaxThreadsPerBlock) return cudaErrorInvalidValue;
    *blocks = blocks_of_processor(threads, shared_bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int threads,
                                                          size_t shared_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, kernel, threads, shared_bytes, 0);
}
}
