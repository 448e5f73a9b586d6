#pragma once

#include <initializer_list>
#include <optional>

#include <kiln/tensor/tensor.h>

namespace kiln {

namespace detail {

// A number, or a list of such, as deep as it is written: what tensor({{1, 2.5}, {3, 4}}) is given. Points
// into the caller's braces, so it lives no longer than the call.
class Literal {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> Literal(T value) : number_(value) {}
  Literal(std::initializer_list<Literal> items) : number_(0), count_(items.size()), is_list_(true) {
    items_ = items.begin();
  }

  bool is_list() const { return is_list_; }
  const Scalar& number() const { return number_; }
  const Literal* begin() const { return items_; }
  const Literal* end() const { return items_ + count_; }
  int64_t size() const { return int64_t(count_); }

 private:
  Scalar number_;
  const Literal* items_ = nullptr;
  size_t count_ = 0;
  bool is_list_ = false;
};

}  // namespace detail

// How tensor() makes one. Without a dtype it is PyTorch's default for the numbers: float32 when one of them
// is floating, else int64, or bool when all of them are.
struct LiteralOptions {
  std::optional<DType> dtype = {};
  Device device = factory_device();
  bool requires_grad = false;
};

// A tensor of these numbers, in braces as deep as its dimensions (0 to 8): tensor(2.5), tensor({1, 2}),
// tensor({{1.5, 2}, {3, 4}}, {.dtype = float64}). Integers are exact. Throws for ragged rows and for a number
// that the dtype cannot hold.
Tensor tensor(const detail::Literal& values, const LiteralOptions& options = {});
// The same with the dtype of a C++ type: tensor<uint8_t>({1, 2}).
template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(const detail::Literal& values) {
  return tensor(values, {.dtype = dtype_of<T>});
}

}  // namespace kiln
