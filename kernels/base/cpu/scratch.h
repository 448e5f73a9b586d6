#pragma once

// For sources of kernels only.

#include <cstdint>
#include <type_traits>

#include <kiln/tensor/cpu/allocator.h>

namespace kiln::kernels::cpu {

// Uninitialised memory for the time of a call, from the caching allocator.
template <class T>
class Scratch {
 public:
  static_assert(std::is_trivially_destructible_v<T>);
  explicit Scratch(int64_t size) : bytes_(size * int64_t(sizeof(T))) {
    if (bytes_ > 0) data_ = static_cast<T*>(host::allocate(bytes_));
  }
  ~Scratch() {
    if (bytes_ > 0) host::release(data_, bytes_);
  }
  Scratch(const Scratch&) = delete;
  T* data() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  int64_t bytes_;
  T* data_ = nullptr;
};

}  // namespace kiln::kernels::cpu
