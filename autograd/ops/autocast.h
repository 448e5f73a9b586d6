#pragma once

#include <kiln/autograd/autocast.h>
#include <kiln/tensor/tensor.h>

// For the sources of ops. One that autocast has a policy for calls itself again, with converted operands:
//
//   Tensor matmul(const Tensor& a, const Tensor& b) {
//     if (autocast_enabled()) return in_low_precision(matmul, a, b);

namespace kiln {

// x in the type of the autocast, or in float32; x itself where it is undefined, float64 or not floating. A
// parameter is converted once (see Autocast).
Tensor in_autocast_type(const Tensor& x);
Tensor in_float32_type(const Tensor& x);

template <class F, class... T>
auto in_low_precision(const F& f, const T&... x) {
  const NoAutocast done;
  return f(in_autocast_type(x)...);
}

template <class F, class... T>
auto in_float32(const F& f, const T&... x) {
  const NoAutocast done;
  return f(in_float32_type(x)...);
}

}  // namespace kiln
