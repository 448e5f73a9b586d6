#pragma once

#include <optional>
#include <vector>

#include <kiln/tensor/tensor.h>

// What stands between the brackets: x[{0, Slice(1, None, 2), Ellipsis}], x[mask], x.index({rows, columns}),
// x.index_put_({mask}, 0). PyTorch's names, and its meaning of every combination.

namespace kiln::indexing {

inline constexpr std::nullopt_t None = std::nullopt;

struct EllipsisType {};
// As many whole dimensions as are left.
inline constexpr EllipsisType Ellipsis;

// start:stop:step. None is the end of the dimension, or a step of 1; steps are positive.
struct Slice {
  std::optional<int64_t> start, stop, step;

  Slice(std::optional<int64_t> from = {}, std::optional<int64_t> to = {}, std::optional<int64_t> by = {})
      : start(from), stop(to), step(by) {}
};

// One index: an integer takes one element of a dimension and drops it; a Slice takes a range; None adds a
// dimension of size 1; Ellipsis stands for whole dimensions; a bool tensor (mask) of n dimensions takes the
// elements of n dimensions where it is true; int64 or int32 tensors take the elements that they name, all of
// them broadcast together. Negative positions count from the end.
class TensorIndex {
 public:
  enum class Kind : uint8_t { none, ellipsis, integer, boolean, slice, tensor };

  TensorIndex(std::nullopt_t) : kind_(Kind::none) {}
  TensorIndex(EllipsisType) : kind_(Kind::ellipsis) {}
  TensorIndex(const Slice& slice) : kind_(Kind::slice), slice_(slice) {}
  TensorIndex(const Tensor& tensor) : kind_(Kind::tensor), tensor_(tensor) {}
  template <class T>
  requires std::is_integral_v<T> TensorIndex(T value)
      : kind_(std::is_same_v<T, bool> ? Kind::boolean : Kind::integer),
        slice_(kiln::detail::as_int64(value)) {}

  Kind kind() const { return kind_; }
  int64_t integer() const { return *slice_.start; }
  const Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;
  Slice slice_;
  Tensor tensor_;
};

// x[{...}]: the tensor that index({...}) gives. Assigned to where it stands, it writes into x, like
// index_put_; a variable made from it is a tensor of its own and is rebound by assignment, like any other.
// (With index tensors x[...] = y reads x first; index_put_ does not.)
class Indexed : public Tensor {
 public:
  Indexed(const Tensor& x, TensorIndices indices);
  Indexed(const Indexed&) = default;
  Indexed(Indexed&&) = default;

  Indexed& operator=(const Indexed& other) & = default;
  Indexed& operator=(Indexed&& other) & = default;
  Indexed& operator=(const Tensor& other) & {
    Tensor::operator=(other);
    x_ = {};
    return *this;
  }
  const Tensor& operator=(const Indexed& value) && { return write(value); }
  const Tensor& operator=(const Tensor& value) && { return write(value); }
  const Tensor& operator=(const Scalar& value) && { return write(value); }
  const Tensor& operator+=(const Tensor& value) && { return write(add(value)); }
  const Tensor& operator-=(const Tensor& value) && { return write(sub(value)); }
  const Tensor& operator*=(const Tensor& value) && { return write(mul(value)); }
  const Tensor& operator/=(const Tensor& value) && { return write(div(value)); }
  const Tensor& operator+=(const Scalar& value) && { return write(add(value)); }
  const Tensor& operator-=(const Scalar& value) && { return write(sub(value)); }
  const Tensor& operator*=(const Scalar& value) && { return write(mul(value)); }
  const Tensor& operator/=(const Scalar& value) && { return write(div(value)); }

 private:
  const Tensor& write(const Tensor& value) const;
  const Tensor& write(const Scalar& value) const;

  Tensor x_;
  TensorIndices indices_;
};

}  // namespace kiln::indexing
