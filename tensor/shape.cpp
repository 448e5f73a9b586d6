#include <kiln/tensor/shape.h>

#include <algorithm>

#include <kiln/tensor/base/bytes_of.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

Dims::Dims(std::span<const int64_t> values) {
  if (values.size() > kMaxRank)
    fail("shape: {} dimensions given, at most {} are supported", values.size(), kMaxRank);
  rank_ = int(values.size());
  std::copy(values.begin(), values.end(), values_);
}

Dims Dims::filled(int rank, int64_t value) {
  Dims dims;
  if (rank > kMaxRank) fail("shape: {} dimensions given, at most {} are supported", rank, kMaxRank);
  dims.rank_ = rank;
  std::fill(dims.values_, dims.values_ + rank, value);
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

std::string to_string(const Dims& dims) {
  return fmt::format("[{}]", fmt::join(dims.begin(), dims.end(), ","));
}

int64_t numel(const Shape& shape) {
  int64_t product = 1;
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) [[unlikely]]
      fail("shape: {} has a negative size", shape);
    empty |= size == 0;
    // A size of 0 counts as 1: the strides of what it is joined with must be countable.
    if (size != 0 && __builtin_mul_overflow(product, size, &product)) [[unlikely]]
      fail("shape: {} has more elements than int64 counts", shape);
  }
  return empty ? 0 : product;
}

int64_t bytes_of(const Shape& shape, DType dtype) {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(numel(shape), size_of(dtype), &bytes)) [[unlikely]]
    fail("shape: {} of {} has more bytes than int64 counts", shape, dtype);
  return bytes;
}

int wrap_dim(const char* op, int64_t dim, int rank) {
  const int reach = std::max(rank, 1);
  if (dim < -reach || dim >= reach)
    fail("{}: dim {} is out of range for a tensor of rank {} (use {} .. {})", op, dim, rank, -reach,
         reach - 1);
  return int(dim < 0 ? dim + reach : dim);
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
