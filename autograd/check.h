#pragma once

// For sources only: what many ops ask of their inputs.

#include <kiln/tensor/fail.h>
#include <kiln/tensor/tensor.h>

namespace kiln::autograd {

inline void check_defined(const char* op, const Tensor& x, const char* name = "x") {
  if (!x.defined()) fail("{}: {} is an undefined tensor", op, name);
}

inline void check_floating(const char* op, const Tensor& x, const char* name = "x") {
  check_defined(op, x, name);
  if (!x.is_floating_point())
    fail("{}: needs a floating-point tensor, {} is {}; convert it with .to(float32)", op, name, x.dtype());
}

inline void check_same_device(const char* op, const Tensor& x, const Tensor& other, const char* name) {
  if (other.device() != x.device())
    fail("{}: x is on {}, {} on {}; move one of them with .to(device)", op, x.device(), name, other.device());
}

}  // namespace kiln::autograd
