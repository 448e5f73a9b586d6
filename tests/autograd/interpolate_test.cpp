#include <doctest/doctest.h>
#include <support/check_op.h>

#include <cmath>

using namespace kiln;
using test::check_op;

// Values beside PyTorch's: tests/oracle.

namespace {

struct Row {
  std::vector<Shape> shapes;
  InterpolateOptions options;
};

}  // namespace

TEST_CASE("interpolate") {
  using enum InterpolateMode;
  const std::vector<Shape> images{{2, 3, 4, 5}};
  check_op<Row>({
      .name = "interpolate",
      .op = [](const Tensors& in, const Row& row) { return interpolate(in[0], row.options); },
      .rows = {{images, {.size = Pair(7, 3), .mode = bilinear}},
               {images, {.size = Pair(2, 9), .mode = bicubic}},
               {images, {.size = Pair(6, 8), .mode = bicubic, .align_corners = true}},
               {images, {.size = Pair(2, 3), .mode = bicubic, .antialias = true}},
               {images, {.scale_factor = 2, .mode = nearest}},
               {images, {.size = 3, .mode = nearest_exact}},
               {images, {.size = Pair(4, 5), .mode = bilinear}},
               {{{0, 3, 4, 5}}, {.size = 2, .mode = bilinear}},
               {{{1, 1, 1, 1}}, {.size = 3, .mode = bicubic}}},
  });
}

TEST_CASE("interpolate keeps the order of memory, and refuses what makes no sense") {
  const Tensor x = randn({1, 2, 4, 4});
  const Tensor y = interpolate(x.contiguous(MemoryFormat::channels_last), {.size = 6});
  CHECK(y.strides()[1] == 1);
  CHECK(allclose(y, interpolate(x, {.size = 6})));
  CHECK(!interpolate(x, {.size = 4}).shares_storage(x));
  test::expect_error("interpolate: needs either a size or a scale_factor, got neither",
                     [&] { interpolate(x, {}); });
  test::expect_error("interpolate: needs either a size or a scale_factor, got both",
                     [&] { interpolate(x, {.size = 2, .scale_factor = 2}); });
  test::expect_error("interpolate: align_corners is for bilinear and bicubic only",
                     [&] { interpolate(x, {.size = 2, .align_corners = true}); });
  test::expect_error("interpolate: the sides of the result must be from 1",
                     [&] { interpolate(x, {.size = 0}); });
  test::expect_error("interpolate: x must be [N,C,H,W], got [4,4]", [&] {
    interpolate(ones({4, 4}), {.size = 2});
  });
}
