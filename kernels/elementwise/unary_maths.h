#pragma once

#include <numbers>

#include <kiln/kernels/elementwise/unary_base.h>

// The elementary functions.

namespace kiln::kernels::math {

// Step functions: the derivative is 0 wherever it exists.
struct Step : UnaryBase {
  static constexpr Needs needs = Needs::nothing;
  template <class T>
  constexpr auto df(const T&) const {
    return c<T>(0);
  }
};

template <>
struct Unary<UnaryOp::neg> : UnaryBase {
  static constexpr Needs needs = Needs::nothing;
  template <class T>
  constexpr T f(T x) const {
    return -x;
  }
  template <class T>
  constexpr auto df(const T&) const {
    return c<T>(-1);
  }
};

template <>
struct Unary<UnaryOp::sign> : Step {
  template <class T>
  constexpr T f(T x) const {
    return sign(x);
  }
};
template <>
struct Unary<UnaryOp::floor> : Step {
  template <class T>
  constexpr T f(T x) const {
    return floor(x);
  }
};
template <>
struct Unary<UnaryOp::ceil> : Step {
  template <class T>
  constexpr T f(T x) const {
    return ceil(x);
  }
};
template <>
struct Unary<UnaryOp::round> : Step {
  template <class T>
  constexpr T f(T x) const {
    return round(x);
  }
};
template <>
struct Unary<UnaryOp::trunc> : Step {
  template <class T>
  constexpr T f(T x) const {
    return trunc(x);
  }
};

template <>
struct Unary<UnaryOp::abs> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return abs(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return sign(x);
  }
};

template <>
struct Unary<UnaryOp::square> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return x * x;
  }
  template <class T>
  constexpr T df(const T& x) const {
    return 2 * x;
  }
};

template <>
struct Unary<UnaryOp::sqrt> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return sqrt(x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return c<T>(0.5) / y;
  }
};

template <>
struct Unary<UnaryOp::rsqrt> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return 1 / sqrt(x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return c<T>(-0.5) * y * y * y;
  }
};

template <>
struct Unary<UnaryOp::reciprocal> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return 1 / x;
  }
  template <class T>
  constexpr T df(const T& y) const {
    return -(y * y);
  }
};

template <>
struct Unary<UnaryOp::exp> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return exp(x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return y;
  }
};

template <>
struct Unary<UnaryOp::expm1> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return expm1(x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return y + 1;
  }
};

template <>
struct Unary<UnaryOp::log> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return log(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return 1 / x;
  }
};

template <>
struct Unary<UnaryOp::log1p> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return log1p(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return 1 / (x + 1);
  }
};

template <>
struct Unary<UnaryOp::log2> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return log2(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return c<T>(std::numbers::log2e) / x;
  }
};

template <>
struct Unary<UnaryOp::log10> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return log10(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return c<T>(std::numbers::log10e) / x;
  }
};

template <>
struct Unary<UnaryOp::sin> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return sin(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return cos(x);
  }
};

template <>
struct Unary<UnaryOp::cos> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return cos(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return -sin(x);
  }
};

template <>
struct Unary<UnaryOp::tan> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return tan(x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return 1 + y * y;
  }
};

template <>
struct Unary<UnaryOp::asin> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return asin(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return 1 / sqrt(1 - x * x);
  }
};

template <>
struct Unary<UnaryOp::acos> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return acos(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return -1 / sqrt(1 - x * x);
  }
};

template <>
struct Unary<UnaryOp::atan> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return atan(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return 1 / (1 + x * x);
  }
};

template <>
struct Unary<UnaryOp::sinh> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return sinh(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return cosh(x);
  }
};

template <>
struct Unary<UnaryOp::cosh> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return cosh(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return sinh(x);
  }
};

template <>
struct Unary<UnaryOp::tanh> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return tanh(x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return 1 - y * y;
  }
};

template <>
struct Unary<UnaryOp::erf> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return erf(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
    return c<T>(2 * std::numbers::inv_sqrtpi) * exp(-(x * x));
  }
};

template <>
struct Unary<UnaryOp::sigmoid> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return sigmoid(x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return y * (1 - y);
  }
};

}  // namespace kiln::kernels::math
