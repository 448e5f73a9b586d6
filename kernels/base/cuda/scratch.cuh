#pragma once

// For sources of kernels only.

#include <kiln/tensor/cuda/allocator.h>
#include <kiln/tensor/cuda/context.h>

#include <type_traits>

namespace kiln::kernels {

// Uninitialised device memory for the launches of a call, from the caching allocator: given back while they
// still run, for later work on the same stream.
template <class T>
class DeviceScratch {
 public:
  static_assert(std::is_trivially_copyable_v<T>);
  DeviceScratch(const CudaContext& ctx, int64_t size) : device_(ctx.device) {
    if (size > 0) data_ = static_cast<T*>(cuda::allocate(size * int64_t(sizeof(T)), device_));
  }
  ~DeviceScratch() {
    if (data_ != nullptr) cuda::release(data_, device_);
  }
  DeviceScratch(const DeviceScratch&) = delete;
  T* data() const { return data_; }

 private:
  Device device_;
  T* data_ = nullptr;
};

}  // namespace kiln::kernels
