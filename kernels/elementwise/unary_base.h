#pragma once

#include <kiln/kernels/elementwise/math.h>
#include <kiln/kernels/elementwise/unary.h>

// The formulas of the unary ops. f is evaluated by kernels on float and double. df, the derivative, is
// evaluated by kernels, and on Tensors, with recorded ops, where the gradient itself is differentiated. So df
// is written with what floats and Tensors share: operators, the functions of math.h and ops.h,
// pick(condition, a, b) and c<T>(constant).

namespace kiln::kernels::math {

// What df is a function of: the op's input, its output, or neither.
enum class Needs : uint8_t { nothing, x, y };

// A constant in T's arithmetic: float for float, double for double and Tensor.
template <class T>
constexpr auto c(double value) {
  if constexpr (std::is_floating_point_v<T>)
    return T(value);
  else
    return value;
}

struct UnaryBase {
  UnaryParameters p;
};
template <UnaryOp op>
struct Unary;

}  // namespace kiln::kernels::math
