#include <kiln/image/move/flip.h>

#include <algorithm>
#include <numeric>

#include <kiln/image/elements.h>

namespace kiln::image {
namespace {

std::vector<int64_t> in_order(int64_t size, bool backwards) {
  std::vector<int64_t> indices(static_cast<size_t>(size));
  std::iota(indices.begin(), indices.end(), int64_t(0));
  if (backwards) std::reverse(indices.begin(), indices.end());
  return indices;
}

Tensor mirror(const Tensor& picture, bool rows, bool columns) {
  const Pair size = size_of_picture(picture);
  return take(picture, in_order(size.h, rows), in_order(size.w, columns));
}

}  // namespace

Tensor hflip(const Tensor& picture) {
  check_planes("hflip", picture);
  return mirror(picture, false, true);
}

Tensor vflip(const Tensor& picture) {
  check_planes("vflip", picture);
  return mirror(picture, true, false);
}

// A quarter turn is the transposed picture with its rows upside down.
Tensor rot90(const Tensor& picture, int64_t quarters) {
  check_planes("rot90", picture);
  const int64_t turns = ((quarters % 4) + 4) % 4;
  if (turns % 2 == 0) return mirror(picture, turns == 2, turns == 2);
  const Tensor transposed =
      from_storage(picture.impl()->storage, picture.dtype(), picture.layout().transpose(1, 2));
  return mirror(transposed, turns == 1, turns == 3);
}

}  // namespace kiln::image
