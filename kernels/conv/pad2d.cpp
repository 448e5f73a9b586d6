#include <kiln/kernels/conv/pad2d.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>

namespace kiln::kernels {
namespace {

// Checks the two sides of one direction.
void check(const Layout& x, int64_t before, int64_t after, int64_t size, PaddingMode mode) {
  const int64_t least = std::min(before, after), most = std::max(before, after);
  constexpr int64_t kMost = int64_t(1) << 60;  // sums of two stay within int64, and so many there are not
  if (least < -kMost || most > kMost)
    fail("pad2d: padding ({}, {}) has more elements than int64 counts (x {})", before, after, x.shape);
  if (mode == PaddingMode::zeros) {
    if (size + before + after < 0 || before < -size || after < -size)
      fail("pad2d: padding ({}, {}) crops more than the {} elements there are (x {})", before, after, size,
           x.shape);
    return;
  }
  if (least < 0) fail("pad2d: only zeros mode crops, got padding ({}, {})", before, after);
  const int64_t limit = mode == PaddingMode::reflect ? size - 1 : mode == PaddingMode::circular ? size : most;
  if (size == 0 || most > limit)
    fail("pad2d: padding ({}, {}) is more than {} mode can take from {} elements (x {})", before, after,
         mode == PaddingMode::reflect    ? "reflect"
         : mode == PaddingMode::circular ? "circular"
                                         : "replicate",
         size, x.shape);
}

}  // namespace

Pad2dGeometry Pad2dGeometry::of(const Layout& x, int64_t left, int64_t right, int64_t top, int64_t bottom,
                                PaddingMode mode) {
  const int rank = x.rank();
  if (rank < 2) fail("pad2d: x must have at least two dimensions, got {}", x.shape);
  const int64_t height = x.shape[rank - 2], width = x.shape[rank - 1];
  check(x, left, right, width, mode);
  check(x, top, bottom, height, mode);
  int64_t images = 1, channels = 1;
  for (int i = 0; i < rank - 2; ++i) images *= x.shape[i];
  if (!x.is_contiguous()) {
    images = x.shape[0];
    channels = x.shape[1];
  }
  return {images, channels, height, width, left, right, top, bottom, mode};
}

int64_t Pad2dGeometry::source(int64_t i, int64_t size) const {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case PaddingMode::reflect:
      return i < 0 ? -i : 2 * (size - 1) - i;
    case PaddingMode::replicate:
      return i < 0 ? 0 : size - 1;
    case PaddingMode::circular:
      return i < 0 ? i + size : i - size;
    default:
      return -1;
  }
}

}  // namespace kiln::kernels
