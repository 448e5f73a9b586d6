#include <kiln/kernels/index/index.h>

#include <doctest/doctest.h>

#include <kiln/tensor/cuda/stream.h>
#include <kiln/tensor/device/found.h>
#include <support/files.h>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::DimGeometry, kernels::GatherGeometry;
using test::run_on_both, test::sample;

namespace {

struct Row {
  Shape x, index;
  int dim;
};

const Row kRows[] = {{{}, {}, 0},
                     {{10}, {7}, 0},
                     {{3, 5}, {3, 9}, 1},
                     {{6, 5}, {4, 3}, 0},
                     {{4, 3, 6}, {2, 8, 5}, 1},
                     {{2, 700}, {2, 1500}, 1},
                     {{30}, {2500}, 0},
                     {{4, 3}, {0, 3}, 0}};

}  // namespace

TEST_CASE("gather and scatter_add on the device") {
  for (const DType dtype : test::kElements)
    for (const Row& row : kRows) {
      CAPTURE(dtype);
      CAPTURE(row.x);
      CAPTURE(row.index);
      const int64_t size = row.x.rank() == 0 ? 1 : row.x[row.dim];
      const auto g = GatherGeometry::of(row.index, row.x, row.dim);
      const Tensor x = sample(row.x, dtype), index = randint(0, size, row.index),
                   y = sample(row.index, dtype);
      Tensors gpu = run_on_both(
          {x, index, y}, [&](auto& ctx, const Tensors& t) { kernels::gather(ctx, g, t[0], t[1], t[2]); });
      REQUIRE(test::bits_equal(gpu[2], y));
      const Tensor source = sample(row.index, dtype);
      gpu = run_on_both({x, index, source},
                        [&](auto& ctx, const Tensors& t) { kernels::scatter_add(ctx, g, t[1], t[2], t[0]); });
      REQUIRE(test::bits_equal(gpu[0], x));  // added in the same order
    }
}

TEST_CASE("index_select, index_add and index_copy on the device") {
  const Row rows[] = {{{10}, {7}, 0},        {{5, 3, 7}, {4}, 0}, {{5, 3, 7}, {9}, 1}, {{5, 3, 7}, {12}, 2},
                      {{40, 16}, {1300}, 0}, {{3, 2, 8}, {2}, 1}, {{4, 0}, {3}, 0},    {{4, 3}, {0}, 0}};
  for (const DType dtype : test::kElements)
    for (const Row& row : rows) {
      CAPTURE(dtype);
      CAPTURE(row.x);
      CAPTURE(row.index);
      Shape picked = row.x;
      picked[row.dim] = row.index[0];
      const auto g = DimGeometry::along(row.x, row.dim);
      const Tensor x = sample(row.x, dtype), index = randint(0, row.x[row.dim], row.index),
                   source = sample(picked, dtype), y = empty(picked, {.dtype = dtype});
      Tensors gpu = run_on_both({x, index, y}, [&](auto& ctx, const Tensors& t) {
        kernels::index_select(ctx, g, t[0], t[1], t[2]);
      });
      REQUIRE(test::bits_equal(gpu[2], y));
      gpu = run_on_both({x, index, source},
                        [&](auto& ctx, const Tensors& t) { kernels::index_add(ctx, g, t[1], t[2], t[0]); });
      REQUIRE(test::bits_equal(gpu[0], x));
      gpu = run_on_both({x, index, source},
                        [&](auto& ctx, const Tensors& t) { kernels::index_copy(ctx, g, t[1], t[2], t[0]); });
      REQUIRE(test::bits_equal(gpu[0], x));
    }
}

TEST_CASE("find_outside on the device") {
  const Tensor good = randint(0, 7, {1000}), bad = randint(0, 7, {1000});
  bad.data<int64_t>()[999] = 7;
  bad.data<int64_t>()[600] = -100;
  bad.data<int64_t>()[700] = -1;
  const char* late = kept_text("{value} at {at of [10,100]}, not 0 .. {last}");
  run_on_both({good, bad, randint(0, 7, {0})}, [&](auto& ctx, const Tensors& t) {
    const bool on_cuda = t[0].device().is_cuda();
    const auto check = [&](std::optional<int64_t> ignored, const Tensor& x, int64_t at, const char* message) {
      CAPTURE(message);
      CHECK(kernels::find_outside(ctx, 7, ignored, x, late) == (on_cuda ? -1 : at));
      if (on_cuda) CHECK(test::error_of([] { cuda::synchronize(); }) == message);
    };
    check({}, t[0], -1, "");
    check({}, t[1], 600, "-100 at [6,0], not 0 .. 6");
    check(-100, t[1], 700, "-1 at [7,0], not 0 .. 6");
    check({}, t[2], -1, "");
  });
}
