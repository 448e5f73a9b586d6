#include <kiln/kernels/softmax/softmax.h>

#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/softmax/cross_entropy.h>
#include <kiln/kernels/softmax/losses.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/found_error.h>

#include "../both.h"

using namespace kiln;
using kernels::CrossEntropyGeometry, kernels::SoftmaxGeometry;
using test::close, test::run_on_both;

namespace {

const DType kFloating[] = {float32, float64, float16, bfloat16};

Tensor converted(const Tensor& x, DType dtype) {
  const Tensor y = empty(x.shape(), {.dtype = dtype});
  kernels::copy(CpuContext::current(), x, y);
  return y;
}

Tensor values(const Shape& shape, DType dtype, int seed, double scale = 6) {
  std::vector<double> v(size_t(numel(shape)));
  for (size_t i = 0; i < v.size(); ++i)
    v[i] = scale * (double((i * 7919 + size_t(seed) * 131) % 1009) / 1009 - 0.5);
  return converted(from_values(v, shape), dtype);
}

// Of reductions.
double tolerance(DType dtype) {
  if (dtype == float64) return 1e-12;
  if (dtype == float32) return 1e-4;
  return dtype == float16 ? 0x1p-9 : 0x1p-6;
}

void check_softmax(const Tensor& x, int dim) {
  CAPTURE(x.dtype());
  CAPTURE(to_string(x.shape()));
  CAPTURE(dim);
  const SoftmaxGeometry geometry = SoftmaxGeometry::along(x.layout(), dim);
  const Tensor y = empty(x.shape(), {.dtype = x.dtype()}), z = empty(x.shape(), {.dtype = x.dtype()}),
               dy = empty(x.shape(), {.dtype = x.dtype()}), dz = empty(x.shape(), {.dtype = x.dtype()}),
               g = values(x.shape(), x.dtype(), 3, 2);
  Tensors gpu = run_on_both({x, y, z}, [&](auto& ctx, const Tensors& t) {
    kernels::softmax(ctx, geometry, t[0], t[1]);
    kernels::log_softmax(ctx, geometry, t[0], t[2]);
  });
  const double bound = tolerance(x.dtype());
  REQUIRE(close(gpu[1], y, bound, bound * 1e-2));
  REQUIRE(close(gpu[2], z, bound, bound));
  gpu = run_on_both({y, z, g, dy, dz}, [&](auto& ctx, const Tensors& t) {
    kernels::softmax_backward(ctx, geometry, t[0], t[2], t[3]);
    kernels::log_softmax_backward(ctx, geometry, t[1], t[2], t[4]);
  });
  REQUIRE(close(gpu[3], dy, bound, bound));
  REQUIRE(close(gpu[4], dz, bound, 4 * bound));
}

}  // namespace

TEST_CASE("softmax on the device") {
  for (const DType dtype : kFloating) {
    for (const int64_t size : {1, 2, 10, 31, 32, 33, 100, 1023, 1024, 1025, 3000, 4096, 9000})
      check_softmax(values({9, size}, dtype, 1), 1);
    check_softmax(values({3, 17, 10}, dtype, 1), 1);
    check_softmax(values({40, 7}, dtype, 1), 0);
    check_softmax(values({0, 7}, dtype, 1), 1);
    check_softmax(values({}, dtype, 1), 0);
  }
}

TEST_CASE("softmax on the device of infinities and NaN") {
  const double inf = INFINITY;
  for (const int64_t inner : {1, 2}) {
    const int64_t size = 5;
    const Tensor rows =
        from_values<double>({-inf, -inf, 1, 2, -inf, -inf, -inf, -inf, -inf, -inf, inf, 0,    1,   2, 3,
                             0,    inf,  1, 2, 3,    1,    NAN,  -inf, 2,    3,    300, -300, 700, 0, 1},
                            {30});
    for (const DType dtype : kFloating) {
      CAPTURE(dtype);
      const Tensor x = converted(rows, dtype), y = empty({30}, {.dtype = dtype}),
                   z = empty({30}, {.dtype = dtype});
      const SoftmaxGeometry geometry{30 / size / inner, size, inner};
      const Tensors gpu = run_on_both({x, y, z}, [&](auto& ctx, const Tensors& t) {
        kernels::softmax(ctx, geometry, t[0], t[1]);
        kernels::log_softmax(ctx, geometry, t[0], t[2]);
      });
      REQUIRE(close(gpu[1], y, tolerance(dtype), 1e-7));
      REQUIRE(close(gpu[2], z, tolerance(dtype), 1e-7));
    }
  }
}

TEST_CASE("softmax on the device of infinities and NaN in rows that a thread has several packs of") {
  const double inf = INFINITY;
  for (const int64_t size : {136, 2048})
    for (const DType dtype : kFloating) {
      CAPTURE(dtype);
      CAPTURE(size);
      const Tensor x = values({6, size}, dtype, 1), y = empty({6, size}, {.dtype = dtype}),
                   z = empty({6, size}, {.dtype = dtype});
      x[0].fill_(-inf);
      x[1].fill_(-inf);
      x[1][9].fill_(2);
      x[2][size - 1].fill_(inf);
      x[3][7].fill_(NAN);
      x[4].fill_(-inf);
      x[4][100].fill_(NAN);
      x[5][33].fill_(-inf);
      const SoftmaxGeometry geometry{6, size, 1};
      const Tensors gpu = run_on_both({x, y, z}, [&](auto& ctx, const Tensors& t) {
        kernels::softmax(ctx, geometry, t[0], t[1]);
        kernels::log_softmax(ctx, geometry, t[0], t[2]);
      });
      REQUIRE(close(gpu[1], y, tolerance(dtype), 1e-6));
      REQUIRE(close(gpu[2], z, tolerance(dtype), 1e-6));
    }
}

TEST_CASE("cross entropy on the device") {
  for (const DType dtype : kFloating)
    for (const int64_t classes : {1, 10, 33, 1500})
      for (const bool weighted : {false, true})
        for (const double smoothing : {0.0, 0.1})
          for (const bool mean : {false, true}) {
            CAPTURE(dtype);
            CAPTURE(classes);
            CAPTURE(weighted);
            CAPTURE(smoothing);
            CAPTURE(mean);
            constexpr int64_t rows = 21, ignored = -100;
            const DType wide = dtype == float64 ? float64 : float32;
            std::vector<int64_t> labels(rows);
            for (int64_t i = 0; i < rows; ++i) labels[size_t(i)] = i % 7 == 3 ? ignored : i * 5 % classes;
            const Tensor x = values({rows, classes}, dtype, 1), target = from_values(labels, {rows}),
                         weight = weighted ? values({classes}, wide, 2, 1) : Tensor();
            const auto make = [&](const Shape& shape, DType type) { return empty(shape, {.dtype = type}); };
            const Tensor losses = make({rows}, wide), log_sums = make({rows}, wide), total = make({1}, wide),
                         dx = make({rows, classes}, dtype), g = values({rows}, dtype, 4, 1);
            if (weighted)
              for (int64_t c = 0; c < classes; ++c) {  // positive
                if (wide == float64)
                  weight.data<double>()[c] += 1;
                else
                  weight.data<float>()[c] += 1;
              }
            const CrossEntropyGeometry geometry{rows, classes, ignored, smoothing, mean};
            Tensors all{x, target, losses, log_sums, total, g, dx};
            if (weighted) all.push_back(weight);
            const Tensors gpu = run_on_both(all, [&](auto& ctx, const Tensors& t) {
              const Tensor w = weighted ? t[7] : Tensor();
              const int64_t wrong =
                  kernels::cross_entropy(ctx, geometry, t[0], t[1], w, t[2], t[3], t[4], "");
              CHECK(wrong == -1);
              kernels::cross_entropy_backward(ctx, geometry, t[0], t[1], w, t[3], t[4], t[5], !mean, t[6]);
            });
            const double bound = dtype == float64 ? 1e-12 : 1e-4;
            REQUIRE(close(gpu[2], losses, bound, bound));
            REQUIRE(close(gpu[3], log_sums, bound, bound));
            REQUIRE(close(gpu[4], total, bound));
            REQUIRE(close(gpu[6], dx, 2 * tolerance(dtype), tolerance(dtype)));
          }
}

TEST_CASE("a target that is no class on the device") {
  std::vector<int64_t> labels(300, 1);
  labels[257] = 12;
  labels[40] = -3;
  const Tensor x = test::on_cuda(values({300, 10}, float32, 1)),
               target = test::on_cuda(from_values(labels, {300})), losses = test::on_cuda(empty({300})),
               log_sums = test::on_cuda(empty({300})), total = test::on_cuda(empty({1}));
  kernels::cross_entropy(CudaContext::current(), {300, 10, -100, 0, true}, x, target, Tensor(), losses,
                         log_sums, total, "target {value} of {at / 2} at {at of [150,2]}, not 0 .. {last}");
  std::string message;
  try {
    test::on_cpu(total);
    cuda::throw_found_error();
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message == "target -3 of 20 at [20,0], not 0 .. 9");
}

TEST_CASE("squared errors on the device") {
  for (const DType dtype : kFloating)
    for (const int64_t n : {0, 1, 255, 4096, 4097, 20000}) {
      CAPTURE(dtype);
      CAPTURE(n);
      const Tensor x = values({n}, dtype, 1), t = values({n}, dtype, 2), y = empty({}, {.dtype = dtype}),
                   g = values({}, dtype, 5), d = empty({n}, {.dtype = dtype});
      const Tensors gpu = run_on_both({x, t, y, g, d}, [](auto& ctx, const Tensors& v) {
        kernels::squared_error(ctx, 0.001, v[0], v[1], v[2]);
        kernels::scaled_difference(ctx, 0.5, v[0], v[1], v[3], v[4]);
      });
      REQUIRE(close(gpu[2], y, tolerance(dtype)));
      REQUIRE(close(gpu[4], d, tolerance(dtype), 1e-7));
    }
}
