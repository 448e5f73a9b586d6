#pragma once

#include <iosfwd>

#include <kiln/tensor/dtype/dtype.h>

namespace kiln {

namespace detail {
[[noreturn]] void fail_large_integer(unsigned long long value);

// Throws Error for one that int64 does not hold.
template <class T>
constexpr int64_t as_int64(T value) {
  if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(int64_t))
    if (value > T(INT64_MAX)) fail_large_integer(value);
  return int64_t(value);
}
}  // namespace detail

// A C++ number as an operand: remembers whether it was floating, integral or bool, because PyTorch's
// promotion asks. Throws Error for an integer that int64 does not hold.
class Scalar {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr Scalar(T value)
      : real_(double(value)),
        integer_(integer_of(value)),
        kind_(std::is_same_v<T, bool>       ? bool8
              : std::is_floating_point_v<T> ? float32
                                            : int64) {}

  // float32, int64 or bool8: the default dtype of a tensor made from it.
  constexpr DType dtype() const { return kind_; }
  constexpr double real() const { return real_; }
  constexpr int64_t integer() const { return kind_ == float32 ? int64_t(real_) : integer_; }

  // The number as a C++ type: to<int64_t>(), or double(scalar). bool is whether it differs from 0.
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr T to() const {
    if constexpr (std::is_same_v<T, bool>)
      return kind_ == float32 ? real_ != 0 : integer_ != 0;
    else if constexpr (std::is_floating_point_v<T>)
      return T(real_);
    else
      return T(integer());
  }
  template <class T>
  requires std::is_arithmetic_v<T>
  explicit constexpr operator T() const { return to<T>(); }

  // Whether T, an integer, holds the number, whose fraction is left out.
  template <class T>
  requires std::is_integral_v<T>
  constexpr bool fits() const {
    if constexpr (std::is_same_v<T, bool>) return true;
    constexpr double kEnd = 2 * double(uint64_t(1) << (8 * sizeof(T) - 1 - std::is_signed_v<T>));
    if (kind_ == float32)
      return real_ < kEnd && (std::is_signed_v<T> ? real_ >= -kEnd || real_ > -kEnd - 1 : real_ > -1);
    return int64_t(T(integer_)) == integer_ && (std::is_signed_v<T> || integer_ >= 0);
  }

  friend std::ostream& operator<<(std::ostream& out, const Scalar& x) { return print(out, x); }

 private:
  template <class T>
  static constexpr int64_t integer_of(T value) {
    if constexpr (std::is_floating_point_v<T>)
      return 0;
    else
      return detail::as_int64(value);
  }
  static std::ostream& print(std::ostream& out, const Scalar& x);

  double real_;
  int64_t integer_;
  DType kind_;
};

// "1.5", "2", "true"
std::string to_string(const Scalar& x);

}  // namespace kiln
