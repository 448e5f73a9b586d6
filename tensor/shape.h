#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <type_traits>

namespace kiln {

// More dimensions than any layer needs; the bound lets sizes and strides live inside the tensor.
inline constexpr int kMaxRank = 8;

// A short list of sizes or strides, held inline. Throws when it would exceed kMaxRank.
class Dims {
 public:
  constexpr Dims() = default;
  Dims(std::initializer_list<int64_t> values)
      : Dims(std::span<const int64_t>(values.begin(), values.size())) {}
  Dims(int64_t value) : Dims({value}) {}
  // Not a flag or a fraction: var(x, false) would be the variance along dimension 0.
  template <class T>
  requires(std::is_same_v<T, bool> || std::is_floating_point_v<T>) Dims(T value)
  = delete;
  explicit Dims(std::span<const int64_t> values);
  static Dims filled(int rank, int64_t value);

  int rank() const {
    if (rank_ > kMaxRank)
      __builtin_unreachable();  // tells the compiler that loops over dimensions stay inside
    return rank_;
  }
  bool empty() const { return rank_ == 0; }
  int64_t& operator[](int i) { return values_[i]; }
  int64_t operator[](int i) const { return values_[i]; }
  int64_t back() const { return values_[rank_ - 1]; }
  int64_t* begin() { return values_; }
  int64_t* end() { return values_ + rank_; }
  const int64_t* begin() const { return values_; }
  const int64_t* end() const { return values_ + rank_; }
  const int64_t* data() const { return values_; }

  void push_back(int64_t value);
  void insert(int position, int64_t value);
  void erase(int position);

  bool operator==(const Dims& other) const {
    if (rank_ != other.rank_) return false;
    for (int i = 0; i < rank(); ++i)
      if (values_[i] != other.values_[i]) return false;
    return true;
  }
  friend std::ostream& operator<<(std::ostream& out, const Dims& dims) { return print(out, dims); }

 private:
  static std::ostream& print(std::ostream& out, const Dims& dims);

  int64_t values_[kMaxRank] = {};
  int rank_ = 0;
};

using Shape = Dims;
using Strides = Dims;

// "[8,4,32,32]"
std::string to_string(const Dims& dims);

// The product of the sizes; 1 for a 0-dim shape. Throws when it overflows int64.
int64_t numel(const Shape& shape);

// A dimension given as in PyTorch (-1 is the last) as 0 .. rank-1. Throws "op: dim 2 is out of range for a
// tensor of rank 2 (use -2 .. 1)". A 0-dim tensor accepts 0 and -1.
int wrap_dim(const char* op, int64_t dim, int rank);

// The shape that a and b broadcast to, by PyTorch's (NumPy's) rule. Throws naming op and both shapes.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

}  // namespace kiln
