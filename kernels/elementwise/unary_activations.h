#pragma once

#include <numbers>

#include <kiln/kernels/elementwise/unary_base.h>

// The activation functions of networks.

namespace kiln::kernels::math {

template <>
struct Unary<UnaryOp::relu> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  constexpr T f(T x) const {
    return pick(x <= 0, T(0), x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return pick(y > 0, c<T>(1), c<T>(0));
  }
};

// The mobile networks' (Howard et al., "Searching for MobileNetV3", 2019): relu6(x) = min(max(x, 0), 6).
template <>
struct Unary<UnaryOp::relu6> : UnaryBase {
  static constexpr Needs needs = Needs::y;
  template <class T>
  static constexpr T clipped(T x) {
    return pick(x <= 0, T(0), pick(x >= 6, T(6), x));
  }
  template <class T>
  constexpr T f(T x) const {
    return clipped(x);
  }
  template <class T>
  constexpr T df(const T& y) const {
    return pick(y <= 0, c<T>(0), c<T>(1)) * pick(y >= 6, c<T>(0), c<T>(1));
  }
};

// x * relu6(x + 3) / 6.
template <>
struct Unary<UnaryOp::hardswish> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return x * Unary<UnaryOp::relu6>::clipped(x + 3) / 6;
  }
  template <class T>
  constexpr T df(const T& x) const {
    return pick(x < -3, c<T>(0), pick(x > 3, c<T>(1), x * c<T>(1.0 / 3) + c<T>(0.5)));
  }
};

// relu6(x + 3) / 6.
template <>
struct Unary<UnaryOp::hardsigmoid> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return Unary<UnaryOp::relu6>::clipped(x + 3) / 6;
  }
  template <class T>
  constexpr T df(const T& x) const {
    return pick(x <= -3, c<T>(0), c<T>(1.0 / 6)) * pick(x >= 3, c<T>(0), c<T>(1));
  }
};

template <>
struct Unary<UnaryOp::leaky_relu> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return pick(x > 0, x, x * p.a.in<T>());
  }
  template <class T>
  constexpr T df(const T& x) const {
    return pick(x > 0, c<T>(1), p.a.in<T>());
  }
};

// x * P(normal variable < x) (Hendrycks and Gimpel, 2016).
template <>
struct Unary<UnaryOp::gelu> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  static constexpr T probability(const T& x) {
    return c<T>(0.5) * (1 + erf(x * c<T>(std::numbers::sqrt2 / 2)));
  }
  template <class T>
  constexpr T f(T x) const {
    return x * probability(x);
  }
  template <class T>
  constexpr T df(const T& x) const {
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
  static constexpr T curve(const T& x) {
    return tanh(c<T>(kScale) * x * (1 + c<T>(kCubic) * x * x));
  }
  template <class T>
  constexpr T f(T x) const {
    return c<T>(0.5) * x * (1 + curve(x));
  }
  template <class T>
  constexpr T df(const T& x) const {
    const T t = curve(x);
    return c<T>(0.5) * (1 + t) + c<T>(0.5 * kScale) * x * (1 - t * t) * (1 + c<T>(3 * kCubic) * x * x);
  }
};

template <>
struct Unary<UnaryOp::silu> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    return x / (1 + exp(-x));
  }
  template <class T>
  constexpr T df(const T& x) const {
    const T s = sigmoid(x);
    return s * (1 + x * (1 - s));
  }
};

// log(1 + exp(beta x)) / beta; x itself beyond the threshold, where the two are equal to the last digit.
template <>
struct Unary<UnaryOp::softplus> : UnaryBase {
  static constexpr Needs needs = Needs::x;
  template <class T>
  constexpr T f(T x) const {
    const T scaled = x * p.a.in<T>();
    return pick(scaled > p.b.in<T>(), x, log1p(exp(scaled)) / p.a.in<T>());
  }
  template <class T>
  constexpr T df(const T& x) const {
    const T scaled = x * p.a.in<T>();
    return pick(scaled > p.b.in<T>(), c<T>(1), sigmoid(scaled));
  }
};

}  // namespace kiln::kernels::math
