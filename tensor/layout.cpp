#include <kiln/tensor/layout.h>

#include <algorithm>
#include <array>

#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

constexpr std::array<int, 4> kNhwc = {0, 2, 3, 1};

bool matches(const Layout& layout, std::span<const int> order) {
  int64_t step = 1;
  for (int i = layout.rank() - 1; i >= 0; --i) {
    const int64_t size = layout.shape[order[i]];
    if (size == 1) continue;
    if (layout.strides[order[i]] != step) return layout.numel() == 0;
    step *= size;
  }
  return true;
}

constexpr std::array<int, kMaxRank> kRowMajor = {0, 1, 2, 3, 4, 5, 6, 7};

}  // namespace

Strides contiguous_strides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}
Strides channels_last_strides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[kNhwc[i]] = step;
    step *= std::max<int64_t>(shape[kNhwc[i]], 1);
  }
  return strides;
}

Layout Layout::contiguous(const Shape& shape, MemoryFormat format) {
  if (format == MemoryFormat::contiguous) return {shape, contiguous_strides(shape), 0};
  if (shape.rank() != 4) fail("channels_last: needs a tensor of rank 4 [N,C,H,W], got {}", shape);
  return {shape, channels_last_strides(shape), 0};
}

void Layout::check(const char* op) const {
  int64_t count = 1, last = offset;
  bool wrong = offset < 0, overflows = false;
  for (int i = 0; i < rank(); ++i) {
    wrong |= shape[i] < 0 || strides[i] < 0;
    int64_t reach = 0;
    // Sizes of 0 count as 1: what they are joined with must be countable, too.
    overflows |= __builtin_mul_overflow(count, shape[i] == 0 ? 1 : shape[i], &count);
    overflows |= shape[i] > 1 && (__builtin_mul_overflow(shape[i] - 1, strides[i], &reach) ||
                                  __builtin_add_overflow(last, reach, &last));
  }
  if (wrong) [[unlikely]]
    fail("{}: shape {} with strides {} and offset {}: none of them may be negative", op, shape, strides,
         offset);
  if (overflows || last == INT64_MAX) [[unlikely]]
    fail(
        "{}: shape {} with strides {} and offset {} has more elements, or reaches further, than int64 counts",
        op, shape, strides, offset);
}

bool Layout::is_channels_last() const { return rank() == 4 && matches(*this, kNhwc); }

bool Layout::is_dense() const {
  if (is_contiguous()) return true;
  std::array<int, kMaxRank> order = kRowMajor;
  std::stable_sort(order.begin(), order.begin() + rank(),
                   [&](int a, int b) { return strides[a] > strides[b]; });
  return matches(*this, order);
}

bool Layout::is_non_overlapping() const {
  std::array<int, kMaxRank> order = kRowMajor;
  std::stable_sort(order.begin(), order.begin() + rank(),
                   [&](int a, int b) { return strides[a] < strides[b]; });
  int64_t reach = 0;
  for (int i = 0; i < rank(); ++i) {
    const int64_t size = shape[order[i]], stride = strides[order[i]];
    if (size == 0) return true;
    if (size == 1) continue;
    if (stride <= reach) return false;
    reach += (size - 1) * stride;
  }
  return true;
}

int64_t Layout::span() const {
  int64_t last = 0;
  for (int i = 0; i < rank(); ++i) {
    if (shape[i] == 0) return 0;
    last += (shape[i] - 1) * strides[i];
  }
  return last + 1;
}

Layout Layout::permute(const Dims& order) const {
  Layout result{shape, strides, offset};
  for (int i = 0; i < rank(); ++i) {
    result.shape[i] = shape[int(order[i])];
    result.strides[i] = strides[int(order[i])];
  }
  return result;
}

Layout Layout::transpose(int a, int b) const {
  Layout result = *this;
  if (rank() == 0) return result;
  std::swap(result.shape[a], result.shape[b]);
  std::swap(result.strides[a], result.strides[b]);
  return result;
}

Layout Layout::narrow(int dim, int64_t start, int64_t length, int64_t step) const {
  Layout result = *this;
  result.offset += start * strides[dim];
  result.shape[dim] = length;
  if (length > 1) result.strides[dim] *= step;  // else it has no say, and may not be countable
  return result;
}

Layout Layout::select(int dim, int64_t index) const { return narrow(dim, index, 1).squeeze(dim); }

Layout Layout::squeeze(int dim) const {
  Layout result = *this;
  result.shape.erase(dim);
  result.strides.erase(dim);
  return result;
}

Layout Layout::unsqueeze(int dim) const {
  Layout result = *this;
  result.strides.insert(dim, dim < rank() ? shape[dim] * strides[dim] : 1);
  result.shape.insert(dim, 1);
  return result;
}

Layout Layout::expand(const Shape& to) const {
  Layout result{to, Dims::filled(to.rank(), 0), offset};
  const int shift = to.rank() - rank();
  for (int i = 0; i < rank(); ++i)
    result.strides[shift + i] = shape[i] == 1 && to[shift + i] != 1 ? 0 : strides[i];
  return result;
}

bool Layout::reshape(const Shape& to, Layout* result) const {
  *result = {to, contiguous_strides(to), offset};
  if (numel() == 0 || is_contiguous()) return true;
  Layout old = *this;  // sizes of 1 have no say in the strides
  for (int i = rank() - 1; i >= 0; --i)
    if (shape[i] == 1) old = old.squeeze(i);
  // Match the shortest runs of old and new dimensions that have the same product; each old run must be one
  // dense chunk.
  int from_new = 0;
  for (int from_old = 0; from_old < old.rank();) {
    int to_old = from_old + 1, to_new = from_new + 1;
    int64_t old_size = old.shape[from_old], new_size = to[from_new];
    while (old_size != new_size) {
      if (new_size < old_size)
        new_size *= to[to_new++];
      else
        old_size *= old.shape[to_old++];
    }
    for (int i = from_old; i + 1 < to_old; ++i)
      if (old.strides[i] != old.shape[i + 1] * old.strides[i + 1]) return false;
    int64_t stride = old.strides[to_old - 1];
    for (int i = to_new - 1; i >= from_new; --i) {
      result->strides[i] = stride;
      stride *= to[i];
    }
    from_old = to_old;
    from_new = to_new;
  }
  for (int i = from_new; i < to.rank(); ++i) result->strides[i] = 1;
  return true;
}

}  // namespace kiln
