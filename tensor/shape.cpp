#include <kiln/tensor/shape.h>

#include <algorithm>

#include <kiln/tensor/fail.h>

namespace kiln {

Dims::Dims(std::span<const int64_t> values) {
  if (values.size() > kMaxRank)
    fail("shape: {} dimensions given, at most {} are supported", values.size(), kMaxRank);
  rank_ = int(values.size());
  std::copy(values.begin(), values.end(), values_);
}

Dims Dims::filled(int rank, int64_t value) {
  Dims dims;
  for (int i = 0; i < rank; ++i) dims.push_back(value);
  return dims;
}

void Dims::push_back(int64_t value) { insert(rank_, value); }

void Dims::insert(int position, int64_t value) {
  if (rank_ == kMaxRank) fail("shape: at most {} dimensions are supported", kMaxRank);
  std::copy_backward(values_ + position, values_ + rank_, values_ + rank_ + 1);
  values_[position] = value;
  ++rank_;
}

void Dims::erase(int position) {
  std::copy(values_ + position + 1, values_ + rank_, values_ + position);
  --rank_;
}

bool Dims::operator==(const Dims& other) const {
  return rank_ == other.rank_ && std::equal(begin(), end(), other.begin());
}

std::string to_string(const Dims& dims) {
  return fmt::format("[{}]", fmt::join(dims.begin(), dims.end(), ","));
}

int64_t numel(const Shape& shape) {
  // Bytes of the widest element. Sizes of 0 count as 1: strides of what they are joined with must be
  // countable.
  constexpr int64_t kWidest = 16;
  int64_t product = 1, bytes = kWidest;
  for (const int64_t size : shape) {
    if (size < 0) [[unlikely]]
      fail("shape: {} has a negative size", shape);
    product *= size == 0 ? 0 : 1;
    if (size != 0 && __builtin_mul_overflow(bytes, size, &bytes)) [[unlikely]]
      fail("shape: {} has more elements than int64 counts the bytes of", shape);
  }
  return product == 0 ? 0 : bytes / kWidest;
}

int wrap_dim(const char* op, int dim, int rank) {
  const int reach = std::max(rank, 1);
  if (dim < -reach || dim >= reach)
    fail("{}: dim {} is out of range for a tensor of rank {} (use {} .. {})", op, dim, rank, -reach,
         reach - 1);
  return dim < 0 ? dim + reach : dim;
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape result = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  const int shift = result.rank() - shorter.rank();
  for (int i = 0; i < shorter.rank(); ++i) {
    int64_t& size = result[shift + i];
    if (size == shorter[i] || shorter[i] == 1) continue;
    if (size != 1)
      fail("{}: shapes {} and {} do not broadcast: sizes {} and {} differ at dim {}", op, a, b,
           a.rank() >= b.rank() ? size : shorter[i], a.rank() >= b.rank() ? shorter[i] : size,
           shift + i - result.rank());
    size = shorter[i];
  }
  return result;
}

}  // namespace kiln
