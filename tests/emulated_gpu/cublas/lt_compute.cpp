#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>

#include "lt_objects.h"

namespace kiln::emulated {
namespace {

double element(const void* p, cudaDataType_t type, int64_t i) {
  switch (type) {
    case CUDA_R_64F:
      return static_cast<const double*>(p)[i];
    case CUDA_R_16F:
      return __half2float(static_cast<const __half*>(p)[i]);
    case CUDA_R_16BF:
      return __bfloat162float(static_cast<const __nv_bfloat16*>(p)[i]);
    default:
      return static_cast<const float*>(p)[i];
  }
}

void set_element(void* p, cudaDataType_t type, int64_t i, double value) {
  switch (type) {
    case CUDA_R_64F:
      static_cast<double*>(p)[i] = value;
      break;
    case CUDA_R_16F:
      static_cast<__half*>(p)[i] = __float2half(float(value));
      break;
    case CUDA_R_16BF:
      static_cast<__nv_bfloat16*>(p)[i] = __float2bfloat16(float(value));
      break;
    default:
      static_cast<float*>(p)[i] = float(value);
  }
}

int64_t offset(const LtLayout& x, int64_t row, int64_t column, int64_t batch) {
  const bool by_column = x.order == CUBLASLT_ORDER_COL;
  return batch * x.batch_stride + (by_column ? column * x.leading + row : row * x.leading + column);
}

double activate(const LtMatmul& matmul, double x) {
  if (matmul.has(CUBLASLT_EPILOGUE_RELU)) return std::max(x, 0.0);
  if (!matmul.has(CUBLASLT_EPILOGUE_GELU)) return x;
  const double inner = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);  // the tanh form, as the manual says
  return x / 2 * (1 + std::tanh(inner));
}

}  // namespace

size_t lt_size_of(cudaDataType_t type) {
  switch (type) {
    case CUDA_R_64F:
      return 8;
    case CUDA_R_32F:
      return 4;
    case CUDA_R_16F:
    case CUDA_R_16BF:
      return 2;
    default:
      return 0;
  }
}

size_t LtLayout::extent() const {
  if (!rows || !columns || !batch) return 0;
  const int64_t last = offset(*this, int64_t(rows) - 1, int64_t(columns) - 1, batch - 1);
  return size_t(last + 1) * lt_size_of(type);
}

cublasStatus_t lt_check(const LtMatmul& matmul, const LtLayout& a, const LtLayout& b, const LtLayout& c,
                        const LtLayout& d) {
  for (const LtLayout* x : {&a, &b, &c, &d}) {
    const bool by_column = x->order == CUBLASLT_ORDER_COL;
    if (!by_column && x->order != CUBLASLT_ORDER_ROW) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (!x->rows || !x->columns || x->leading < int64_t(by_column ? x->rows : x->columns) || x->batch < 1)
      return CUBLAS_STATUS_INVALID_VALUE;
    if (x->batch != d.batch) return CUBLAS_STATUS_INVALID_VALUE;
    if (!lt_size_of(x->type)) return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const bool ta = matmul.transpose_a != CUBLAS_OP_N, tb = matmul.transpose_b != CUBLAS_OP_N;
  const uint64_t k = ta ? a.rows : a.columns;
  if ((ta ? a.columns : a.rows) != d.rows || (tb ? b.rows : b.columns) != d.columns ||
      (tb ? b.columns : b.rows) != k || c.rows != d.rows || c.columns != d.columns)
    return CUBLAS_STATUS_INVALID_VALUE;
  if (d.batch > 1 && d.batch_stride == 0) return CUBLAS_STATUS_INVALID_VALUE;  // results on top of each other
  const bool f64 = a.type == CUDA_R_64F;
  const bool outputs = d.type == a.type || (!f64 && d.type == CUDA_R_32F);
  const bool scales = matmul.scale == (f64 ? CUDA_R_64F : CUDA_R_32F);
  const bool fast = matmul.compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                    matmul.compute == CUBLAS_COMPUTE_32F_FAST_16BF ||
                    matmul.compute == CUBLAS_COMPUTE_32F_FAST_16F;
  const bool computes = f64 ? matmul.compute == CUBLAS_COMPUTE_64F
                            : matmul.compute == CUBLAS_COMPUTE_32F || (fast && a.type == CUDA_R_32F);
  if (b.type != a.type || c.type != d.type || !outputs || !scales || !computes)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if (matmul.has(CUBLASLT_EPILOGUE_BIAS) && d.order != CUBLASLT_ORDER_COL) return CUBLAS_STATUS_NOT_SUPPORTED;
  return CUBLAS_STATUS_SUCCESS;
}

void lt_compute(const LtMatmul& matmul, const LtLayout& a, const LtLayout& b, const LtLayout& c,
                const LtLayout& d, const LtOperands& x) {
  const bool ta = matmul.transpose_a != CUBLAS_OP_N, tb = matmul.transpose_b != CUBLAS_OP_N;
  const auto terms = int64_t(ta ? a.rows : a.columns);
  const bool f64 = a.type == CUDA_R_64F;
  const cudaDataType_t bias_type = matmul.bias_type < 0 ? d.type : cudaDataType_t(matmul.bias_type);
  for (int64_t batch = 0; batch < d.batch; ++batch)
    for (int64_t column = 0; column < int64_t(d.columns); ++column)
      for (int64_t row = 0; row < int64_t(d.rows); ++row) {
        double sum = 0;
        for (int64_t k = 0; k < terms; ++k) {
          const double left = element(x.a, a.type, ta ? offset(a, k, row, batch) : offset(a, row, k, batch));
          const double right =
              element(x.b, b.type, tb ? offset(b, column, k, batch) : offset(b, k, column, batch));
          sum = f64 ? sum + left * right : double(float(sum) + float(left) * float(right));
        }
        double y = x.alpha * sum;
        if (x.beta != 0) y += x.beta * element(x.c, c.type, offset(c, row, column, batch));
        if (matmul.has(CUBLASLT_EPILOGUE_BIAS)) y += element(matmul.bias, bias_type, row);
        set_element(x.d, d.type, offset(d, row, column, batch), activate(matmul, y));
      }
}

}  // namespace kiln::emulated
