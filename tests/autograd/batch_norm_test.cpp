#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/check_op.h"
#include "support/skip.h"

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;  // x, weight, bias and perhaps residual
  bool training = true, relu = false;
  double relu_max = std::numeric_limits<double>::infinity();
};

// Values of a channel of x seen as [outer, C, inner].
struct Channels {
  size_t outer, channels, inner;
  explicit Channels(const Shape& shape)
      : outer(size_t(shape[0])),
        channels(size_t(shape[1])),
        inner(size_t(numel(shape)) / std::max<size_t>(1, outer * channels)) {}
  size_t at(size_t i, size_t c) const { return (i / inner * channels + c) * inner + i % inner; }
};

Tensor running_mean() { return tensor({0.5, -0.25, 0.125}).to(float64); }
Tensor running_var() { return tensor({0.5, 1.25, 2.5}).to(float64); }

Tensor run(const Tensors& in, const Row& row) {
  return batch_norm(in[0], in[1], in[2], running_mean(), running_var(),
                    {.training = row.training, .relu = row.relu, .relu_max = row.relu_max},
                    in.size() > 3 ? in[3] : Tensor());
}

Tensor naive(const Tensors& in, const Row& row) {
  const std::vector<double> x = in[0].to_vector<double>(), w = in[1].to_vector<double>(),
                            b = in[2].to_vector<double>();
  const Channels s(in[0].shape());
  std::vector<double> y(x.size());
  for (size_t c = 0; c < s.channels; ++c) {
    const size_t count = s.outer * s.inner;
    double mean = 0, var = 0;
    for (size_t i = 0; i < count; ++i) mean += x[s.at(i, c)] / double(count);
    for (size_t i = 0; i < count; ++i) var += std::pow(x[s.at(i, c)] - mean, 2) / double(count);
    if (!row.training) {
      mean = running_mean().to_vector<double>()[c];
      var = running_var().to_vector<double>()[c];
    }
    for (size_t i = 0; i < count; ++i) {
      double& out = y[s.at(i, c)];
      out = (x[s.at(i, c)] - mean) / std::sqrt(var + 1e-5) * w[c] + b[c];
      if (in.size() > 3) out += in[3].to_vector<double>()[s.at(i, c)];
      if (row.relu) out = std::min(std::max(out, 0.), row.relu_max);
    }
  }
  return from_values(y, in[0].shape());
}

}  // namespace

TEST_CASE("batch_norm") {
  check_op<Row>({
      .name = "batch_norm",
      .op = run,
      .reference = naive,
      .rows = {{{{2, 3, 4, 3}, {3}, {3}}},
               {{{5, 3}, {3}, {3}}},
               {{{2, 3, 4}, {3}, {3}}, true, true},
               {{{2, 3, 4, 3}, {3}, {3}}, true, true},
               {{{2, 3, 4, 3}, {3}, {3}}, false, true},
               {{{2, 3, 4, 3}, {3}, {3}}, true, true, 0.75},
               {{{2, 3, 4}, {3}, {3}}, false, true, 0.75},
               {{{2, 3, 4, 3}, {3}, {3}, {2, 3, 4, 3}}, true, true, 0.75},
               {{{2, 3, 4, 3}, {3}, {3}}, false, false},
               {{{2, 3, 4, 3}, {3}, {3}, {2, 3, 4, 3}}, true, true},
               {{{2, 3, 4, 3}, {3}, {3}, {2, 3, 4, 3}}, true, false},
               {{{2, 3, 2, 2}, {3}, {3}, {2, 3, 2, 2}}, false, true},
               {{{0, 3, 2, 2}, {3}, {3}}, false, true},
               {{{0, 3, 2, 2}, {3}, {3}}}},
      .tolerance = 2,  // rounded inputs shift the statistics too
  });
}

TEST_CASE("batch_norm updates running statistics with the unbiased variance") {
  const Tensor x = test::random_input({4, 3, 5, 5}, -1, 3, 1).to(float32), mean = zeros({3}), var = ones({3});
  for (const MemoryFormat format : {MemoryFormat::contiguous, MemoryFormat::channels_last}) {
    mean.zero_();
    var.fill_(1);
    batch_norm(x.contiguous(format), {}, {}, mean, var, {.training = true, .momentum = 0.25});
    CHECK(allclose(mean, x.mean({0, 2, 3}) * 0.25, 1e-5, 1e-6));
    CHECK(allclose(var, kiln::var(x, {0, 2, 3}) * 0.25 + 0.75, 1e-5, 1e-6));
  }
}

TEST_CASE("batch_norm is accurate far from zero and does not depend on threads") {
  const Tensor x = test::random_input({8, 16, 16, 16}, -1, 1, 1).to(float32) + 1000.f;
  const Tensor nhwc = x.contiguous(MemoryFormat::channels_last);
  const Tensor expected = batch_norm(x.to(float64), {}, {}, {}, {}, {.training = true});
  const Tensor y = batch_norm(nhwc, {}, {}, {}, {}, {.training = true});
  CHECK(allclose(y.to(float64), expected, 1e-3, 2e-3));  // x itself is rounded to 6e-5
  CHECK(allclose(batch_norm(x, {}, {}, {}, {}, {.training = true}).to(float64), expected, 1e-3, 2e-3));
  const int threads = num_threads();
  set_num_threads(threads == 1 ? 2 : 1);
  CHECK(equal(batch_norm(nhwc, {}, {}, {}, {}, {.training = true}), y));
  set_num_threads(threads);
}

TEST_CASE("batch_norm refuses what PyTorch refuses") {
  test::expect_error("batch_norm: training needs more than one value per channel, x is [1,3,1,1]", [] {
    batch_norm(zeros({1, 3, 1, 1}), {}, {}, {}, {}, {.training = true});
  });
  test::expect_error("batch_norm: inference needs running_mean and running_var", [] {
    batch_norm(zeros({2, 3}), {}, {}, {}, {});
  });
  test::expect_error("batch_norm: weight must be [3] for x [2,3], got [4]", [] {
    batch_norm(zeros({2, 3}), ones({4}), {}, {}, {}, {.training = true});
  });
  test::expect_error("batch_norm: x must be [N,C]", [] { batch_norm(zeros({3}), {}, {}, {}, {}); });
  test::expect_error("batch_norm: residual must be like x", [] {
    batch_norm(zeros({2, 3}), {}, {}, {}, {}, {.training = true}, zeros({2, 1}));
  });
}

TEST_CASE("values whose squares float32 does not hold are normalised") {
  if (factory_device().is_cuda()) return test::skip("on a GPU moments are float32, as PyTorch's are");
  const BatchNormOptions training{.training = true};
  const auto normal = [&](const Tensor& x) { return batch_norm(x, {}, {}, {}, {}, training); };
  for (const Shape& shape : {Shape{2, 1}, Shape{2, 1, 1}}) {
    const auto near_ends = [&](double a, double b, DType dtype) {
      return normal(tensor({a, b}, {.dtype = dtype}).reshape(shape)).reshape({-1}).to(float64);
    };
    for (const double end : {1.8e19, 1e20, 3e38}) {
      CAPTURE(end);
      CHECK(allclose(near_ends(end, -end, float32), tensor({1., -1.}, {.dtype = float64})));
    }
    CHECK(allclose(near_ends(1e30, -1e30, bfloat16), tensor({1., -1.}, {.dtype = float64})));
  }
  // Channels beside each other, one of them large.
  const Tensor x = tensor({{1e20, 1.}, {-1e20, 3.}});
  CHECK(allclose(normal(x), tensor({{1., -1.}, {-1., 1.}}), 1e-4));
  CHECK(all(isnan(normal(tensor({{INFINITY}, {1.}})))).item<bool>());
}
