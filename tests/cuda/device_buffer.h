#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <vector>

// Device memory with the contents of a vector, for tests that call the CUDA runtime directly.
template <class T>
struct DeviceBuffer {
  T* data = nullptr;
  size_t count;

  explicit DeviceBuffer(size_t n) : count(n) {
    REQUIRE(cudaMalloc(reinterpret_cast<void**>(&data), n * sizeof(T)) == cudaSuccess);
  }
  explicit DeviceBuffer(const std::vector<T>& values) : DeviceBuffer(values.size()) {
    REQUIRE(cudaMemcpy(data, values.data(), count * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() { cudaFree(data); }

  std::vector<T> values() const {
    std::vector<T> v(count);
    REQUIRE(cudaMemcpy(v.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return v;
  }
};
