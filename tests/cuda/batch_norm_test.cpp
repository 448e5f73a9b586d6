#include <kiln/kernels/batch_norm.h>

#include <doctest/doctest.h>

#include <cmath>

#include "both.h"
#include "sample.h"

using namespace kiln;
using kernels::BatchNormGeometry, kernels::BatchNormMask, kernels::BatchNormVectors;
using test::run_on_both, test::sample, test::tolerance;

namespace {

// x in both orders of memory. Channels that packs of 16 bytes divide, and not; planes likewise.
Tensors inputs(DType dtype) {
  const auto last = [&](const Shape& shape) {
    return contiguous(sample(shape, dtype), MemoryFormat::channels_last);
  };
  return {sample({5, 3}, dtype),       sample({300, 16}, dtype), sample({2, 3, 5, 7}, dtype),
          sample({3, 4, 8, 8}, dtype), last({2, 3, 5, 7}),       last({2, 8, 7, 9}),
          last({4, 40, 3, 3}),         last({1, 300, 2, 3}),     sample({2, 2, 1, 3000}, dtype)};
}

DType vector_type(DType dtype) { return dtype == float64 ? float64 : float32; }

// Within the rounding of a sum of so many terms; the vectors of the halves are float32.
double slack(DType dtype, int64_t terms) {
  return (dtype == float64 ? 1e-12 : 1e-5) * std::sqrt(double(terms));
}

}  // namespace

TEST_CASE("batch_norm_statistics on the device") {
  for (const DType dtype : test::kFloating)
    for (const Tensor& x : inputs(dtype)) {
      CAPTURE(dtype);
      CAPTURE(x.shape());
      CAPTURE(x.strides());
      const auto g = BatchNormGeometry::of(x.layout());
      const Shape channels{g.channels};
      const DType type = vector_type(dtype);
      const Tensor shifted = to(add(x, 10), dtype);
      const Tensor far =
          contiguous(shifted, x.suggested_memory_format());  // squares of a mean would lose all
      for (const Tensor& in : {x, far}) {
        const Tensor running_mean = sample(channels, type), running_var = abs(sample(channels, type)),
                     mean = empty(channels, {.dtype = type}), rstd = empty(channels, {.dtype = type}),
                     batches = tensor({7});
        const Tensors gpu = run_on_both(
            {in, running_mean, running_var, mean, rstd, batches}, [&](auto& ctx, const Tensors& t) {
              kernels::batch_norm_statistics(ctx, g, t[0], 1e-5, {t[1], t[2], t[5], 0.3}, t[3], t[4]);
              kernels::batch_norm_statistics(ctx, g, t[0], 1e-5, {Tensor(), Tensor(), Tensor(), 0.3}, t[3],
                                             t[4]);
            });
        CHECK(gpu[5].item<int64_t>() == 8);
        for (int i = 1; i < 5; ++i) {
          const Tensor& expected = i == 1 ? running_mean : i == 2 ? running_var : i == 3 ? mean : rstd;
          REQUIRE(test::close(gpu[size_t(i)], expected, slack(type, 10), slack(type, 10)));
        }
      }
    }
}

TEST_CASE("batch_norm_apply on the device") {
  for (const DType dtype : test::kFloating)
    for (const Tensor& x : inputs(dtype)) {
      CAPTURE(dtype);
      CAPTURE(x.shape());
      CAPTURE(x.strides());
      const auto g = BatchNormGeometry::of(x.layout());
      const DType type = vector_type(dtype);
      const Tensor mean = sample({g.channels}, type), rstd = abs(sample({g.channels}, type)),
                   weight = sample({g.channels}, type), bias = sample({g.channels}, type),
                   residual = to(randn_like(x), dtype), y = empty_like(x), z = empty_like(x),
                   plain = empty_like(x);
      const Tensors gpu =
          run_on_both({x, mean, rstd, weight, bias, residual, y, z, plain}, [&](auto& ctx, const Tensors& t) {
            const BatchNormVectors vectors{t[1], t[2], t[3], t[4]};
            kernels::batch_norm_apply(ctx, g, t[0], vectors, t[5], true, t[6]);
            kernels::batch_norm_apply(ctx, g, t[0], vectors, Tensor(), true, t[7]);
            kernels::batch_norm_apply(ctx, g, t[0], {t[1], t[2], Tensor(), Tensor()}, Tensor(), false, t[8]);
          });
      CHECK(test::close(gpu[6], y, tolerance(dtype), tolerance(dtype)));
      CHECK(test::close(gpu[7], z, tolerance(dtype), tolerance(dtype)));
      CHECK(test::close(gpu[8], plain, tolerance(dtype), tolerance(dtype)));
    }
}

TEST_CASE("batch_norm_train and batch_norm_backward on the device are their parts") {
  for (const DType dtype : test::kFloating)
    for (const bool residual : {false, true})
      for (const Tensor& x : inputs(dtype)) {
        CAPTURE(dtype);
        CAPTURE(x.shape());
        CAPTURE(x.strides());
        const auto geometry = BatchNormGeometry::of(x.layout());
        const DType type = vector_type(dtype);
        const Shape channels{geometry.channels};
        const auto vector = [&] { return sample(channels, type); };
        const auto mask = residual ? BatchNormMask::from_y : BatchNormMask::from_x;
        const Tensor running_mean = vector(), running_var = abs(vector()), batches = tensor({3}),
                     more = to(randn_like(x), dtype), y = empty_like(x), mean = vector(), rstd = vector(),
                     g = to(randn_like(x), dtype), dweight = vector(), dbias = vector(),
                     passed = zeros_like(x), dx = empty_like(x);
        const Tensors gpu = run_on_both(
            {x, running_mean, running_var, batches, vector(), vector(), more, y, mean, rstd, g, dweight,
             dbias, passed, dx},
            [&](auto& ctx, const Tensors& t) {
              const BatchNormVectors vectors{t[8], t[9], t[4], t[5]};
              kernels::batch_norm_train(ctx, geometry, t[0], 1e-5, {t[1], t[2], t[3], 0.3}, vectors,
                                        residual ? t[6] : Tensor(), true, t[7]);
              kernels::batch_norm_backward(ctx, geometry, t[0], t[10], residual ? t[7] : Tensor(), vectors,
                                           mask, t[11], t[12], residual ? t[13] : Tensor(), t[14]);
            });
        const double bound = dtype == float64 ? 1e-10 : dtype == float32 ? 1e-3 : 3e-2;
        for (const auto& [at, expected] :
             {std::pair(1, running_mean), {2, running_var}, {3, batches}, {7, y}, {8, mean}, {9, rstd}})
          REQUIRE(test::close(gpu[size_t(at)], expected, bound, bound));
        // Where rounding moved a value over the relu's edge, gradients differ as a whole.
        if (dtype == float64)
          for (const auto& [at, expected] : {std::pair(11, dweight), {12, dbias}, {13, passed}, {14, dx}})
            REQUIRE(test::close(gpu[size_t(at)], expected, 1e-9, 1e-9));
      }
}

TEST_CASE("batch_norm_sums and batch_norm_input_grad on the device") {
  for (const DType dtype : test::kFloating)
    for (const BatchNormMask mask : {BatchNormMask::none, BatchNormMask::from_x, BatchNormMask::from_y})
      for (const Tensor& x : inputs(dtype)) {
        CAPTURE(dtype);
        CAPTURE(int(mask));
        CAPTURE(x.shape());
        CAPTURE(x.strides());
        const auto geometry = BatchNormGeometry::of(x.layout());
        const DType type = vector_type(dtype);
        const Shape channels{geometry.channels};
        const Tensor mean = sample(channels, type), rstd = abs(sample(channels, type)),
                     weight = sample(channels, type), bias = sample(channels, type), g = randn_like(x),
                     y = randn_like(x), dweight = empty(channels, {.dtype = type}),
                     dbias = empty(channels, {.dtype = type}), passed = zeros_like(x), dx = empty_like(x),
                     constant = empty_like(x);
        const bool from_y = mask == BatchNormMask::from_y;
        const Tensors gpu = run_on_both(
            {x, mean, rstd, weight, bias, g, y, dweight, dbias, passed, dx, constant},
            [&](auto& ctx, const Tensors& t) {
              const BatchNormVectors vectors{t[1], t[2], t[3], t[4]};
              const Tensor from = from_y ? t[6] : Tensor(), to = from_y ? t[9] : Tensor();
              kernels::batch_norm_sums(ctx, geometry, t[0], t[5], from, vectors, mask, t[7], t[8], to);
              const BatchNormMask rest = from_y ? BatchNormMask::none : mask;
              const Tensor& grad = from_y ? t[9] : t[5];
              kernels::batch_norm_input_grad(ctx, geometry, t[0], grad, vectors, rest, t[7], t[8], t[10]);
              kernels::batch_norm_input_grad(ctx, geometry, t[0], grad, {t[1], t[2], Tensor(), Tensor()},
                                             BatchNormMask::none, Tensor(), Tensor(), t[11]);
            });
        const double sums = slack(type, geometry.values());
        CHECK(test::close(gpu[7], dweight, sums, sums));
        CHECK(test::close(gpu[8], dbias, sums, sums));
        CHECK(test::bits_equal(gpu[9], passed));
        CHECK(test::close(gpu[10], dx, 4 * tolerance(dtype), 4 * tolerance(dtype)));
        CHECK(test::close(gpu[11], constant, tolerance(dtype), tolerance(dtype)));
      }
}
