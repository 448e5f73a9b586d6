#include <doctest/doctest.h>

#include "support/check_op.h"

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;  // x, weight and perhaps bias
  Conv2dOptions options;
};

Tensor naive_conv2d(const Tensors& in, const Row& row) {
  const Shape x = in[0].shape(), w = in[1].shape();
  const auto& [stride, padding, dilation, groups, relu] = row.options;
  const int64_t out_h = (x[2] + 2 * padding.h - dilation.h * (w[2] - 1) - 1) / stride.h + 1,
                out_w = (x[3] + 2 * padding.w - dilation.w * (w[3] - 1) - 1) / stride.w + 1;
  const std::vector<double> a = in[0].to_vector<double>(), b = in[1].to_vector<double>(),
                            bias =
                                in.size() > 2 ? in[2].to_vector<double>() : std::vector<double>(size_t(w[0]));
  std::vector<double> y;
  for (int64_t n = 0; n < x[0]; ++n)
    for (int64_t k = 0; k < w[0]; ++k)
      for (int64_t p = 0; p < out_h; ++p)
        for (int64_t q = 0; q < out_w; ++q) {
          double sum = bias[size_t(k)];
          for (int64_t c = 0; c < w[1]; ++c)
            for (int64_t r = 0; r < w[2]; ++r)
              for (int64_t s = 0; s < w[3]; ++s) {
                const int64_t h = p * stride.h - padding.h + r * dilation.h,
                              v = q * stride.w - padding.w + s * dilation.w,
                              channel = k / (w[0] / groups) * w[1] + c;
                if (h >= 0 && v >= 0 && h < x[2] && v < x[3])
                  sum += a[size_t(((n * x[1] + channel) * x[2] + h) * x[3] + v)] *
                         b[size_t(((k * w[1] + c) * w[2] + r) * w[3] + s)];
              }
          y.push_back(relu ? std::max(sum, 0.0) : sum);
        }
  return from_values(y, {x[0], w[0], out_h, out_w});
}

}  // namespace

TEST_CASE("conv2d") {
  check_op<Row>({
      .name = "conv2d",
      .op =
          [](const Tensors& in, const Row& row) {
            return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), row.options);
          },
      .reference = naive_conv2d,
      .rows = {{{{2, 3, 5, 4}, {4, 3, 3, 3}, {4}}, {.padding = 1}},
               {{{2, 2, 5, 5}, {3, 2, 1, 1}}, {}},
               {{{1, 4, 6, 5}, {6, 2, 3, 2}, {6}}, {.stride = {2, 1}, .padding = {1, 0}, .groups = 2}},
               {{{1, 3, 7, 7}, {3, 1, 3, 3}}, {.padding = 2, .dilation = 2, .groups = 3}},
               {{{2, 3, 5, 4}, {4, 3, 3, 3}, {4}}, {.padding = 1, .relu = true}},
               {{{1, 4, 6, 5}, {6, 2, 3, 2}}, {.stride = {2, 1}, .groups = 2, .relu = true}},
               {{{0, 3, 5, 4}, {4, 3, 3, 3}, {4}}, {.padding = 1}}},
  });
}

TEST_CASE("conv2d refuses what does not fit") {
  test::expect_error("conv2d: weight expects 3 input channels, x has 4", [] {
    conv2d(zeros({2, 4, 5, 5}), zeros({4, 3, 3, 3}));
  });
  test::expect_error("conv2d: bias must be [4]", [] {
    conv2d(zeros({2, 3, 5, 5}), zeros({4, 3, 3, 3}), zeros({3}));
  });
  test::expect_error("conv2d: x is float32, weight is float64", [] {
    conv2d(zeros({2, 3, 5, 5}), zeros({4, 3, 3, 3}, {.dtype = float64}));
  });
  test::expect_error("conv2d: needs floating-point numbers, x is int64", [] {
    conv2d(zeros({2, 3, 5, 5}, {.dtype = int64}), zeros({4, 3, 3, 3}, {.dtype = int64}));
  });
}

TEST_CASE("conv2d computes in channels-last order and takes an image without a batch") {
  const Tensor x = test::random_input({2, 3, 6, 6}, -1, 1, 1).to(float32),
               w = test::random_input({4, 3, 3, 3}, -1, 1, 2).to(float32);
  const Tensor y = conv2d(x, w);
  CHECK(y.is_contiguous(MemoryFormat::channels_last));
  CHECK(equal(conv2d(x.contiguous(MemoryFormat::channels_last), w), y));
  CHECK(allclose(conv2d(x[1], w), y[1]));
}
