#pragma once

// The objects behind cuBLASLt's handles. A handle that is none of ours is refused.

#include <cublasLt.h>

#include <cstddef>
#include <cstdint>

namespace kiln::emulated {

struct LtMatmul {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cudaDataType_t scale = CUDA_R_32F;
  int32_t pointer_mode = CUBLASLT_POINTER_MODE_HOST;
  int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
  int32_t bias_type = -1;  // that of D
  bool has(cublasLtEpilogue_t part) const { return (epilogue & part) == unsigned(part); }
};

struct LtLayout {
  cudaDataType_t type = CUDA_R_32F;
  uint64_t rows = 0, columns = 0;
  int64_t leading = 0;
  int32_t order = CUBLASLT_ORDER_COL;
  int32_t batch = 1;
  int64_t batch_stride = 0;
  // Bytes from the first element to the end of the last.
  size_t extent() const;
};

// Part of an algorithm too: it holds for no more than what it was asked for.
struct LtPreference {
  uint64_t workspace = 0;
  uint32_t align_a = 256, align_b = 256, align_c = 256, align_d = 256;  // the manual's defaults
};

size_t lt_size_of(cudaDataType_t type);  // 0 for types that Kiln does not multiply

// What the manual's table of cublasLtMatmul allows; the status of what is wrong.
cublasStatus_t lt_check(const LtMatmul& matmul, const LtLayout& a, const LtLayout& b, const LtLayout& c,
                        const LtLayout& d);

struct LtOperands {
  const void *a, *b, *c;
  void* d;
  double alpha, beta;
};
// D = epilogue(alpha op(A) op(B) + beta C), on the CPU, summed in order of k.
void lt_compute(const LtMatmul& matmul, const LtLayout& a, const LtLayout& b, const LtLayout& c,
                const LtLayout& d, const LtOperands& operands);

}  // namespace kiln::emulated
