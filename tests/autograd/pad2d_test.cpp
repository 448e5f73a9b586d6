#include <doctest/doctest.h>

#include "support/check_op.h"

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;
  int64_t left, right, top, bottom;
  PaddingMode mode = PaddingMode::zeros;
  double value = 0;
};

// The index inside x that index i (counted from x's edge) shows; -1 for the constant.
int64_t source(int64_t i, int64_t size, PaddingMode mode) {
  if (mode == PaddingMode::circular) return (i + size) % size;
  if (mode == PaddingMode::replicate) return std::min(std::max<int64_t>(i, 0), size - 1);
  if (mode == PaddingMode::reflect) return i < 0 ? -i : i >= size ? size - 1 - (i - (size - 1)) : i;
  return i < 0 || i >= size ? -1 : i;
}

Tensor naive(const Tensors& in, const Row& row) {
  Shape shape = in[0].shape();
  const int rank = shape.rank();
  const int64_t height = shape[rank - 2], width = shape[rank - 1];
  const std::vector<double> x = in[0].to_vector<double>();
  std::vector<double> y;
  shape[rank - 2] += row.top + row.bottom;
  shape[rank - 1] += row.left + row.right;
  int64_t images = 1;
  for (int i = 0; i < rank - 2; ++i) images *= shape[i];
  for (int64_t n = 0; n < images; ++n)
    for (int64_t p = 0; p < shape[rank - 2]; ++p)
      for (int64_t q = 0; q < shape[rank - 1]; ++q) {
        const int64_t h = source(p - row.top, height, row.mode), w = source(q - row.left, width, row.mode);
        y.push_back(h < 0 || w < 0 ? row.value : x[size_t((n * height + h) * width + w)]);
      }
  return from_values(y, shape);
}

}  // namespace

TEST_CASE("pad2d") {
  check_op<Row>({
      .name = "pad2d",
      .op =
          [](const Tensors& in, const Row& row) {
            return pad2d(in[0], row.left, row.right, row.top, row.bottom, row.mode, row.value);
          },
      .reference = naive,
      .rows = {{{{2, 3, 4, 5}}, 1, 2, 3, 0},
               {{{2, 3, 4, 5}}, 1, 2, 0, 1, PaddingMode::zeros, 1.5},
               {{{2, 3, 4, 5}}, -1, -2, 1, -1},
               {{{2, 3, 4, 5}}, -2, 3, 0, 0},
               {{{2, 3, 4, 5}}, 4, 2, 3, 1, PaddingMode::reflect},
               {{{2, 3, 4, 5}}, 6, 1, 0, 5, PaddingMode::replicate},
               {{{2, 3, 4, 5}}, 5, 2, 4, 1, PaddingMode::circular},
               {{{4, 5}}, 1, 1, 1, 1, PaddingMode::reflect},
               {{{0, 3, 4, 5}}, 1, 1, 1, 1}},
  });
}

TEST_CASE("pad2d refuses more than the mode can fill") {
  test::expect_error("pad2d: padding (5, 0) is more than reflect mode can take from 5 elements", [] {
    pad2d(zeros({1, 1, 4, 5}), 5, 0, 0, 0, PaddingMode::reflect);
  });
  test::expect_error("pad2d: padding (0, 5) is more than circular mode can take from 4 elements", [] {
    pad2d(zeros({1, 1, 4, 5}), 0, 0, 0, 5, PaddingMode::circular);
  });
  test::expect_error("pad2d: only zeros mode crops", [] {
    pad2d(zeros({1, 1, 4, 5}), -1, 0, 0, 0, PaddingMode::replicate);
  });
  test::expect_error("pad2d: padding (-3, -3) crops more than the 5 elements there are", [] {
    pad2d(zeros({1, 1, 4, 5}), -3, -3, 0, 0);
  });
  test::expect_error("pad2d: x needs at least 2 dimensions, its shape is [4]",
                     [] { pad2d(zeros({4}), 1, 1, 0, 0); });
}
