#pragma once

#include <iosfwd>

#include <kiln/tensor/dtype/dtype.h>

namespace kiln {

// A C++ number as an operand: remembers whether it was floating, integral or bool, because PyTorch's
// promotion asks.
class Scalar {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr Scalar(T value)
      : real_(double(value)),
        integer_(std::is_floating_point_v<T> ? 0 : int64_t(value)),
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

  friend std::ostream& operator<<(std::ostream& out, const Scalar& x) { return print(out, x); }

 private:
  static std::ostream& print(std::ostream& out, const Scalar& x);

  double real_;
  int64_t integer_;
  DType kind_;
};

// "1.5", "2", "true"
std::string to_string(const Scalar& x);

}  // namespace kiln
