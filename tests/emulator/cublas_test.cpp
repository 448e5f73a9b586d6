#include <cublasLt.h>

#include <atomic>
#include <thread>

#include "cuda/device_buffer.h"

// The stand-in for cuBLASLt against a naive product, and what it refuses.

namespace {

constexpr int kM = 5, kN = 7, kK = 3;

struct Product {
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
  float alpha = 1, beta = 0;

  Product(int k_of_b, int leading_d) {
    REQUIRE(cublasLtCreate(&handle) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatrixLayoutCreate(&a, CUDA_R_32F, kM, kK, kM) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatrixLayoutCreate(&b, CUDA_R_32F, uint64_t(k_of_b), kN, k_of_b) ==
            CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatrixLayoutCreate(&d, CUDA_R_32F, kM, kN, leading_d) == CUBLAS_STATUS_SUCCESS);
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;
  ~Product() {
    cublasLtMatrixLayoutDestroy(a);
    cublasLtMatrixLayoutDestroy(b);
    cublasLtMatrixLayoutDestroy(d);
    cublasLtMatmulDescDestroy(desc);
    cublasLtDestroy(handle);
  }
  cublasStatus_t run(const float* x, const float* y, float* z) const {
    return cublasLtMatmul(handle, desc, &alpha, x, a, y, b, &beta, z, d, z, d, nullptr, nullptr, 0, nullptr);
  }
};

std::vector<float> count_up(int n) {
  std::vector<float> v;
  for (int i = 0; i < n; ++i) v.push_back(float(i % 11) - 4);
  return v;
}

}  // namespace

TEST_CASE("cuBLASLt stand-in: a product with a bias") {
  const std::vector<float> x = count_up(kM * kK), y = count_up(kK * kN), bias = count_up(kM);
  DeviceBuffer<float> a(x), b(y), v(bias), d(size_t{kM * kN});
  const Product product(kK, kM);
  const uint32_t epilogue = CUBLASLT_EPILOGUE_RELU_BIAS;
  const void* pointer = v.data;
  REQUIRE(cublasLtMatmulDescSetAttribute(product.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                         sizeof epilogue) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(cublasLtMatmulDescSetAttribute(product.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &pointer,
                                         sizeof pointer) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(product.run(a.data, b.data, d.data) == CUBLAS_STATUS_SUCCESS);
  const std::vector<float> got = d.values();
  for (int column = 0; column < kN; ++column)
    for (int row = 0; row < kM; ++row) {
      float want = bias[size_t(row)];
      for (int k = 0; k < kK; ++k) want += x[size_t(k * kM + row)] * y[size_t(column * kK + k)];
      CHECK(got[size_t(column * kM + row)] == (want > 0 ? want : 0));
    }
}

TEST_CASE("cuBLASLt stand-in: what it refuses") {
  DeviceBuffer<float> a(count_up(kM * kK)), b(count_up(kK * kN)), d(size_t{kM * kN});
  const Product right(kK, kM), other_k(kK + 1, kM), short_leading(kK, kM - 1), long_leading(kK, kM + 3);
  std::vector<float> host(100);
  CHECK(right.run(a.data, b.data, d.data) == CUBLAS_STATUS_SUCCESS);
  CHECK(other_k.run(a.data, b.data, d.data) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(short_leading.run(a.data, b.data, d.data) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(long_leading.run(a.data, b.data, d.data) == CUBLAS_STATUS_INVALID_VALUE);  // d ends too early
  CHECK(right.run(host.data(), b.data, d.data) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(right.run(a.data, b.data + 1, d.data) == CUBLAS_STATUS_INVALID_VALUE);
  const int64_t wrong_size = 1;
  CHECK(cublasLtMatmulDescSetAttribute(right.desc, CUBLASLT_MATMUL_DESC_TRANSA, &wrong_size,
                                       sizeof wrong_size) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

TEST_CASE("cuBLASLt stand-in: products from many threads while memory comes and goes") {
  const std::vector<float> x = count_up(kM * kK), y = count_up(kK * kN);
  const DeviceBuffer<float> a(x), b(y);
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        float* d = nullptr;
        cudaMalloc(reinterpret_cast<void**>(&d), kM * kN * sizeof(float));
        refused += Product(kK, kM).run(a.data, b.data, d) != CUBLAS_STATUS_SUCCESS;
        cudaFree(d);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(refused == 0);
}
