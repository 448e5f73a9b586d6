#pragma once

#include <type_traits>

#include <kiln/kernels/elementwise/binary.h>
#include <kiln/kernels/elementwise/math.h>

// The formulas of the binary ops, for both devices. T is float, double, an integer or bool.

namespace kiln::kernels::math {

// Signed arithmetic that overflows wraps, by way of the unsigned type (at least as wide as int).
template <class T>
using Wrapping = std::conditional_t<(sizeof(T) < 4), unsigned, std::make_unsigned_t<T>>;

template <class T>
constexpr bool is_negative(T x) {
  if constexpr (std::is_signed_v<T>)
    return x < 0;
  else
    return false;
}

template <class T>
constexpr T integer_power(T base, T exponent) {
  if (is_negative(exponent))
    return base == T(1) ? T(1) : base == T(-1) ? (exponent % 2 == 0 ? T(1) : T(-1)) : T(0);
  Wrapping<T> result = 1, square(base);
  for (auto rest = Wrapping<T>(exponent); rest != 0; rest >>= 1, square *= square)
    if (rest & 1u) result *= square;
  return T(result);
}

template <class T>
constexpr T floor_divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (std::is_signed_v<T> && b == T(-1))
      return T(Wrapping<T>(0) - Wrapping<T>(a));  // the minimum has no negative
    const T quotient = T(a / b);
    return T(a % b != 0 && is_negative(T(a % b)) != is_negative(b) ? quotient - 1 : quotient);
  } else {
    if (b == 0) return a / b;
    T mod = fmod(a, b), quotient = (a - mod) / b;
    if (mod != 0 && (b < 0) != (mod < 0)) quotient -= 1;
    if (quotient == 0) return copysign(T(0), a / b);
    const T down = floor(quotient);
    return quotient - down > T(0.5) ? down + 1 : down;
  }
}

template <class T>
constexpr T remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (std::is_signed_v<T> && b == T(-1)) return 0;
    const T mod = T(a % b);
    return T(mod != 0 && is_negative(mod) != is_negative(b) ? mod + b : mod);
  } else {
    const T mod = fmod(a, b);
    return mod != 0 && (mod < 0) != (b < 0) ? mod + b : mod;
  }
}

template <BinaryOp op, class T>
constexpr T binary(T a, T b, T alpha) {
  if constexpr (op == BinaryOp::maximum) return a > b || a != a ? a : b;
  if constexpr (op == BinaryOp::minimum) return a < b || a != a ? a : b;
  if constexpr (op == BinaryOp::floor_divide) return floor_divide(a, b);
  if constexpr (op == BinaryOp::remainder) return remainder(a, b);
  if constexpr (std::is_same_v<T, bool>) {
    if constexpr (op == BinaryOp::add) return a | b;
    if constexpr (op == BinaryOp::add_scaled) return a | (alpha & b);
    if constexpr (op == BinaryOp::mul || op == BinaryOp::bitwise_and) return a & b;
    if constexpr (op == BinaryOp::bitwise_or) return a | b;
    if constexpr (op == BinaryOp::bitwise_xor) return a != b;
  } else if constexpr (std::is_integral_v<T>) {
    using U = Wrapping<T>;
    if constexpr (op == BinaryOp::add) return T(U(a) + U(b));
    if constexpr (op == BinaryOp::sub) return T(U(a) - U(b));
    if constexpr (op == BinaryOp::mul) return T(U(a) * U(b));
    if constexpr (op == BinaryOp::add_scaled) return T(U(a) + U(alpha) * U(b));
    if constexpr (op == BinaryOp::pow) return integer_power(a, b);
    if constexpr (op == BinaryOp::bitwise_and) return T(a & b);
    if constexpr (op == BinaryOp::bitwise_or) return T(a | b);
    if constexpr (op == BinaryOp::bitwise_xor) return T(a ^ b);
  } else {
    if constexpr (op == BinaryOp::add) return a + b;
    if constexpr (op == BinaryOp::sub) return a - b;
    if constexpr (op == BinaryOp::mul) return a * b;
    if constexpr (op == BinaryOp::div) return a / b;
    if constexpr (op == BinaryOp::add_scaled) return a + alpha * b;
    if constexpr (op == BinaryOp::pow) return pow(a, b);
  }
}

constexpr bool is_bitwise(BinaryOp op) { return op >= BinaryOp::bitwise_and; }

template <BinaryOp op, class T>
constexpr bool has_binary() {
  if (is_bitwise(op)) return std::is_integral_v<T>;
  if (std::is_same_v<T, bool>)
    return op == BinaryOp::add || op == BinaryOp::add_scaled || op == BinaryOp::mul ||
           op == BinaryOp::maximum || op == BinaryOp::minimum;
  return std::is_floating_point_v<T> || op != BinaryOp::div;
}

constexpr const char* name_of(BinaryOp op) {
  constexpr const char* names[] = {"add",         "sub",        "mul",        "div",          "add",
                                   "pow",         "maximum",    "minimum",    "floor_divide", "remainder",
                                   "bitwise_and", "bitwise_or", "bitwise_xor"};
  return names[int(op)];
}

}  // namespace kiln::kernels::math
