#include <kiln/kernels/norm/batch_norm.h>

#include <doctest/doctest.h>

#include <cmath>

#include <kiln/tensor/cuda/graph.h>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::BatchNormGeometry, kernels::BatchNormMask, kernels::BatchNormVectors;
using test::run_on_both, test::sample, test::tolerance;

namespace {

Tensor last(const Shape& shape, DType dtype) {
  return contiguous(sample(shape, dtype), MemoryFormat::channels_last);
}

// x in both orders of memory, of several chunks a channel, more in all than one processor holds; the first
// two in packs of 16 bytes.
Tensors large_inputs(DType dtype) {
  return {last({1, 16, 47, 47}, dtype), sample({5, 1, 1, 8000}, dtype), sample({150, 65}, dtype),
          sample({3, 3, 41, 43}, dtype)};
}

// Also of one chunk. Channels that packs of 16 bytes divide, and not; planes likewise.
Tensors inputs(DType dtype) {
  Tensors all{sample({5, 3}, dtype),       sample({300, 16}, dtype),    sample({2, 3, 5, 7}, dtype),
              sample({3, 4, 8, 8}, dtype), last({2, 3, 5, 7}, dtype),   last({2, 8, 7, 9}, dtype),
              last({4, 40, 3, 3}, dtype),  last({1, 300, 2, 3}, dtype), sample({2, 2, 1, 3000}, dtype)};
  for (const Tensor& x : large_inputs(dtype)) all.push_back(x);
  return all;
}

DType vector_type(DType dtype) { return dtype == float64 ? float64 : float32; }

// Within the rounding of a sum of so many terms; the vectors of the halves are float32.
double slack(DType dtype, int64_t terms) {
  return (dtype == float64 ? 1e-12 : 1e-5) * std::sqrt(double(terms));
}

// On the device, `shift` elements off an address that packs may start at.
Tensor shifted(const Tensor& values, int64_t shift) {
  return test::on_cuda(
      cat({zeros({shift}, {.dtype = values.dtype()}), values}, 0).narrow(0, shift, values.numel()));
}

// All results of training with x and of its gradients, from the same numbers each time.
Tensors trained(CudaContext ctx, const Tensor& in, int64_t shift, BatchNormMask mask, bool one_launch) {
  manual_seed(7);
  const auto geometry = BatchNormGeometry::of(in.layout());
  const DType type = vector_type(in.dtype());
  const bool from_y = mask == BatchNormMask::from_y;
  const auto vector = [&] { return shifted(sample({geometry.channels}, type), shift); };
  const auto like_x = [&] { return shifted(sample({in.numel()}, in.dtype()), shift); };
  const Tensor x = like_x(), more = from_y ? like_x() : Tensor(), g = like_x(), weight = vector(),
               bias = vector(), running_mean = vector(), running_var = vector(), mean = vector(),
               rstd = vector(), y = like_x(), dweight = vector(), dbias = vector(), passed = like_x(),
               dx = like_x();
  const Tensor from = from_y ? y : Tensor(), to = from_y ? passed : Tensor();
  const BatchNormVectors vectors{mean, rstd, weight, bias};
  const kernels::BatchNormRunning running{running_mean, running_var, Tensor(), 0.3};
  if (one_launch) {
    kernels::batch_norm_train(ctx, geometry, x, 1e-5, running, vectors, more, true, y);
    kernels::batch_norm_backward(ctx, geometry, x, g, from, vectors, mask, dweight, dbias, to, dx);
  } else {
    kernels::batch_norm_statistics(ctx, geometry, x, 1e-5, running, mean, rstd);
    kernels::batch_norm_apply(ctx, geometry, x, vectors, more, true, y);
    kernels::batch_norm_sums(ctx, geometry, x, g, from, vectors, mask, dweight, dbias, to);
    kernels::batch_norm_input_grad(ctx, geometry, x, from_y ? passed : g, vectors, mask, dweight, dbias, dx);
  }
  Tensors results;
  for (const Tensor& t : {running_mean, running_var, mean, rstd, y, dweight, dbias, passed, dx})
    results.push_back(test::on_cpu(t));
  return results;
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
                   plain = empty_like(x), ended = empty_like(x);
      const Tensors gpu = run_on_both(
          {x, mean, rstd, weight, bias, residual, y, z, plain, ended}, [&](auto& ctx, const Tensors& t) {
            const BatchNormVectors vectors{t[1], t[2], t[3], t[4]};
            kernels::batch_norm_apply(ctx, g, t[0], {t[1], t[2], t[3], t[4], 0.75}, Tensor(), true, t[9]);
            kernels::batch_norm_apply(ctx, g, t[0], vectors, t[5], true, t[6]);
            kernels::batch_norm_apply(ctx, g, t[0], vectors, Tensor(), true, t[7]);
            kernels::batch_norm_apply(ctx, g, t[0], {t[1], t[2], Tensor(), Tensor()}, Tensor(), false, t[8]);
          });
      CHECK(test::close(gpu[6], y, tolerance(dtype), tolerance(dtype)));
      CHECK(test::close(gpu[7], z, tolerance(dtype), tolerance(dtype)));
      CHECK(test::close(gpu[8], plain, tolerance(dtype), tolerance(dtype)));
      CHECK(test::close(gpu[9], ended, tolerance(dtype), tolerance(dtype)));
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
        const double relu_max = x.size(0) % 2 == 0 ? std::numeric_limits<double>::quiet_NaN() : 0.75;
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
              const BatchNormVectors vectors{t[1], t[2], t[3], t[4], relu_max};
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

TEST_CASE(
    "batch_norm_train and batch_norm_backward on the device: the same bits however many blocks it holds") {
  const CudaContext all = CudaContext::current();
  for (const DType dtype : test::kFloating)
    for (const Tensor& in : large_inputs(dtype))
      for (const int64_t shift : {0, 1})
        for (const BatchNormMask mask : {BatchNormMask::from_x, BatchNormMask::from_y}) {
          CAPTURE(dtype);
          CAPTURE(to_string(in.shape()));
          CAPTURE(shift);
          CAPTURE(int(mask));
          CudaContext one = all;
          one.processors = 1;
          const Tensors results = trained(all, in, shift, mask, true),
                        fewer = trained(one, in, shift, mask, true),
                        parts = trained(all, in, shift, mask, false);
          const double bound = dtype == float64 ? 1e-10 : dtype == float32 ? 1e-3 : 3e-2;
          for (size_t i = 0; i < results.size(); ++i) {
            CAPTURE(i);
            REQUIRE(test::bits_equal(results[i], fewer[i]));
            if (i < 5 || dtype == float64) REQUIRE(test::close(results[i], parts[i], bound, bound));
          }
        }
}

TEST_CASE("batch_norm on the device: one launch each way, in a graph too") {
  for (const Tensor& in : {last({1, 16, 47, 47}, float32), sample({300, 16}, float32)}) {
    const auto geometry = BatchNormGeometry::of(in.layout());
    const auto vector = [&] { return test::on_cuda(zeros({geometry.channels})); };
    const Tensor x = test::on_cuda(in), g = test::on_cuda(randn_like(in));
    const auto results = [&] {
      return Tensors{vector(),
                     vector(),
                     vector(),
                     vector(),
                     test::on_cuda(zeros_like(in)),
                     test::on_cuda(zeros_like(in))};
    };
    const auto run = [&](const Tensors& to) {
      CudaContext& ctx = CudaContext::current();
      const Tensor none;
      const BatchNormVectors vectors{to[0], to[1], none, none};
      kernels::batch_norm_train(ctx, geometry, x, 1e-5, {none, none, none, 0.1}, vectors, none, true, to[4]);
      kernels::batch_norm_backward(ctx, geometry, x, g, none, vectors, BatchNormMask::from_x, to[2], to[3],
                                   none, to[5]);
    };
    const Tensors eager = results(), replayed = results();
    run(eager);
    cuda::Graph graph;
    graph.capture([&] { run(replayed); });
    for (int i = 0; i < 2; ++i) graph.replay();
    CHECK(graph.size() == 2);
    for (size_t i = 0; i < eager.size(); ++i)
      CHECK(test::bits_equal(test::on_cpu(eager[i]), test::on_cpu(replayed[i])));
  }
}
