#pragma once

#include <numbers>

#include <kiln/kernels/math.h>
#include <kiln/kernels/unary.h>

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

// Step functions: the derivative is 0 wherever it exists.
struct Step : UnaryBase {
  static constexpr Needs needs = Needs::nothing;
  template <class T>
  auto df(const T&) const {
    return c<T>(0);
  }
};

template <>
struct Unary<UnaryOp::neg> : UnaryBase {
  static constexpr Needs needs = Needs::nothing;
  template <class T>
  T f(T x) const {
    return -x;
  }
  template <class T>
  auto df(const T&) const {
    return c<T>(-1);
  }
};

template <>
struct Unary<UnaryOp::sign> : Step {
  template <class T>
  T f(T x) const {
    return sign(x);
  }
};
template <>
struct Unary<UnaryOp::floor> : Step {
  template <class T>
  T f(T x) const {
    return floor(x);
  }
};
template <>
struct Unary<UnaryOp::ceil> : Step {
  template <class T>
  T f(T x) const {
    return ceil(x);
  }
};
template <>
struct Unary<UnaryOp::round> : Step {
  template <class T>
  T f(T x) const {
    return round(x);
  }
};
template <>
struct Unary<UnaryOp::trunc> : Step {
  template <class T>
  T f(T x) const {
    return trunc(x);
  }
};

template <>
struct Unary<UnaryOp::abs> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return abs(x);
  }
  template <class T>
  T df(const T& x) const {
    return sign(x);
  }
};

template <>
struct Unary<UnaryOp::square> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return x * x;
  }
  template <class T>
  T df(const T& x) const {
    return 2 * x;
  }
};

template <>
struct Unary<UnaryOp::sqrt> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return sqrt(x);
  }
  template <class T>
  T df(const T& y) const {
    return c<T>(0.5) / y;
  }
};

template <>
struct Unary<UnaryOp::rsqrt> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return 1 / sqrt(x);
  }
  template <class T>
  T df(const T& y) const {
    return c<T>(-0.5) * y * y * y;
  }
};

template <>
struct Unary<UnaryOp::reciprocal> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return 1 / x;
  }
  template <class T>
  T df(const T& y) const {
    return -(y * y);
  }
};

template <>
struct Unary<UnaryOp::exp> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return exp(x);
  }
  template <class T>
  T df(const T& y) const {
    return y;
  }
};

template <>
struct Unary<UnaryOp::expm1> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return expm1(x);
  }
  template <class T>
  T df(const T& y) const {
    return y + 1;
  }
};

template <>
struct Unary<UnaryOp::log> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return log(x);
  }
  template <class T>
  T df(const T& x) const {
    return 1 / x;
  }
};

template <>
struct Unary<UnaryOp::log1p> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return log1p(x);
  }
  template <class T>
  T df(const T& x) const {
    return 1 / (x + 1);
  }
};

template <>
struct Unary<UnaryOp::log2> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return log2(x);
  }
  template <class T>
  T df(const T& x) const {
    return c<T>(std::numbers::log2e) / x;
  }
};

template <>
struct Unary<UnaryOp::log10> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return log10(x);
  }
  template <class T>
  T df(const T& x) const {
    return c<T>(std::numbers::log10e) / x;
  }
};

template <>
struct Unary<UnaryOp::sin> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return sin(x);
  }
  template <class T>
  T df(const T& x) const {
    return cos(x);
  }
};

template <>
struct Unary<UnaryOp::cos> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return cos(x);
  }
  template <class T>
  T df(const T& x) const {
    return -sin(x);
  }
};

template <>
struct Unary<UnaryOp::tan> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return tan(x);
  }
  template <class T>
  T df(const T& y) const {
    return 1 + y * y;
  }
};

template <>
struct Unary<UnaryOp::asin> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return asin(x);
  }
  template <class T>
  T df(const T& x) const {
    return 1 / sqrt(1 - x * x);
  }
};

template <>
struct Unary<UnaryOp::acos> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return acos(x);
  }
  template <class T>
  T df(const T& x) const {
    return -1 / sqrt(1 - x * x);
  }
};

template <>
struct Unary<UnaryOp::atan> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return atan(x);
  }
  template <class T>
  T df(const T& x) const {
    return 1 / (1 + x * x);
  }
};

template <>
struct Unary<UnaryOp::sinh> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return sinh(x);
  }
  template <class T>
  T df(const T& x) const {
    return cosh(x);
  }
};

template <>
struct Unary<UnaryOp::cosh> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return cosh(x);
  }
  template <class T>
  T df(const T& x) const {
    return sinh(x);
  }
};

template <>
struct Unary<UnaryOp::tanh> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return tanh(x);
  }
  template <class T>
  T df(const T& y) const {
    return 1 - y * y;
  }
};

template <>
struct Unary<UnaryOp::erf> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return erf(x);
  }
  template <class T>
  T df(const T& x) const {
    return c<T>(2 * std::numbers::inv_sqrtpi) * exp(-(x * x));
  }
};

template <>
struct Unary<UnaryOp::sigmoid> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return sigmoid(x);
  }
  template <class T>
  T df(const T& y) const {
    return y * (1 - y);
  }
};

template <>
struct Unary<UnaryOp::relu> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  T f(T x) const {
    return pick(x <= 0, T(0), x);
  }
  template <class T>
  T df(const T& y) const {
    return pick(y > 0, c<T>(1), c<T>(0));
  }
};

template <>
struct Unary<UnaryOp::leaky_relu> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return pick(x > 0, x, x * c<T>(p.a));
  }
  template <class T>
  T df(const T& x) const {
    return pick(x > 0, c<T>(1), c<T>(p.a));
  }
};

// x * P(normal variable < x) (Hendrycks and Gimpel, 2016).
template <>
struct Unary<UnaryOp::gelu> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  static T probability(const T& x) {
    return c<T>(0.5) * (1 + erf(x * c<T>(std::numbers::sqrt2 / 2)));
  }
  template <class T>
  T f(T x) const {
    return x * probability(x);
  }
  template <class T>
  T df(const T& x) const {
    return probability(x) +
           x * exp(x * x * c<T>(-0.5)) * c<T>(std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2);
  }
};

// The same paper's approximation: tanh(sqrt(2 / pi) (x + 0.044715 x^3)) for the error function.
template <>
struct Unary<UnaryOp::gelu_tanh> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  static constexpr double kScale = std::numbers::inv_sqrtpi * std::numbers::sqrt2, kCubic = 0.044715;
  template <class T>
  static T curve(const T& x) {
    return tanh(c<T>(kScale) * x * (1 + c<T>(kCubic) * x * x));
  }
  template <class T>
  T f(T x) const {
    return c<T>(0.5) * x * (1 + curve(x));
  }
  template <class T>
  T df(const T& x) const {
    const T t = curve(x);
    return c<T>(0.5) * (1 + t) + c<T>(0.5 * kScale) * x * (1 - t * t) * (1 + c<T>(3 * kCubic) * x * x);
  }
};

template <>
struct Unary<UnaryOp::silu> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    return x / (1 + exp(-x));
  }
  template <class T>
  T df(const T& x) const {
    const T s = sigmoid(x);
    return s * (1 + x * (1 - s));
  }
};

// log(1 + exp(beta x)) / beta; x itself beyond the threshold, where the two are equal to the last digit.
template <>
struct Unary<UnaryOp::softplus> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  T f(T x) const {
    const T scaled = x * c<T>(p.a);
    return pick(scaled > c<T>(p.b), x, log1p(exp(scaled)) / c<T>(p.a));
  }
  template <class T>
  T df(const T& x) const {
    const T scaled = x * c<T>(p.a);
    return pick(scaled > c<T>(p.b), c<T>(1), sigmoid(scaled));
  }
};

// Calls f with the functor of a run-time op: f(Unary<op>{parameters}).
template <int i = 0, class F>
decltype(auto) visit_unary(UnaryOp op, const UnaryParameters& parameters, F&& f) {
  if constexpr (i + 1 < int(UnaryOp::count))
    if (op != UnaryOp(i)) return visit_unary<i + 1>(op, parameters, static_cast<F&&>(f));
  return f(Unary<UnaryOp(i)>{{parameters}});
}

}  // namespace kiln::kernels::math
