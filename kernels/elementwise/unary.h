#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

enum class UnaryOp : uint8_t {
  neg,
  abs,
  sign,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  expm1,
  log,
  log1p,
  log2,
  log10,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  erf,
  floor,
  ceil,
  round,
  trunc,
  relu,
  relu6,
  hardswish,
  hardsigmoid,
  leaky_relu,  // a: the slope
  gelu,
  gelu_tanh,
  silu,
  sigmoid,
  softplus,  // a: beta, b: threshold
  count,
};

// A number in both arithmetics, so that float32 kernels never touch float64.
struct UnaryParameter {
  double wide;
  float narrow;
  constexpr UnaryParameter(double value = 0) : wide(value), narrow(float(value)) {}
  // float for float, double for double and Tensor.
  template <class T>
  constexpr auto in() const {
    if constexpr (std::is_same_v<T, float>)
      return narrow;
    else
      return wide;
  }
};

// Options of the ops that have any.
struct UnaryParameters {
  UnaryParameter a, b;
};

// y = f(x); the formulas are in unary_maths.h and unary_activations.h. y is floating; x is of its type, or of
// one that converts to it. y may be x. The halves compute in float32. Moves two elements of memory per
// element.
void unary(CpuContext&, UnaryOp op, const UnaryParameters&, TensorView x, TensorView y);
void unary(CudaContext&, UnaryOp op, const UnaryParameters&, TensorView x, TensorView y);

// dx = g * f'. `saved` is what the op's derivative needs: x or y.
void unary_backward(CpuContext&, UnaryOp op, const UnaryParameters&, TensorView saved, TensorView g,
                    TensorView dx);
void unary_backward(CudaContext&, UnaryOp op, const UnaryParameters&, TensorView saved, TensorView g,
                    TensorView dx);

}  // namespace kiln::kernels
