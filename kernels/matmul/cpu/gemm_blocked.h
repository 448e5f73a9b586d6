#pragma once

#include <type_traits>

#include <kiln/kernels/matmul/gemm.h>

namespace kiln::kernels {

// beta * old as the type of accumulation, which is unsigned for integers.
template <class Acc, class T>
Acc scaled(double beta, T old) {
  if constexpr (std::is_integral_v<T>)
    return Acc(int64_t(beta * double(old)));
  else
    return Acc(Acc(beta) * Acc(old));
}

// c = a b + bias + beta c for the types that oneDNN does not multiply: float64 and the integers.
template <class T>
void gemm_blocked(CpuContext& ctx, const GemmGeometry& geometry, const T* a, const T* b, const T* bias, T* c,
                  double beta);

}  // namespace kiln::kernels
