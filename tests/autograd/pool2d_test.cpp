#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/check_op.h"

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;
  Pair kernel;
  Pool2dOptions options = {};
};

// The output size as PyTorch's documentation has it.
int64_t size_of_output(int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                       bool ceil) {
  const double exact = double(size + 2 * padding - dilation * (kernel - 1) - 1) / double(stride) + 1;
  const int64_t out = int64_t(ceil ? std::ceil(exact) : std::floor(exact));
  return ceil && (out - 1) * stride >= size + padding ? out - 1 : out;
}

// f(window's values, window's size with padding) for each output.
template <class F>
Tensor naive(const Tensor& input, const Row& row, F&& f) {
  const Shape x = input.shape();
  Pool2dOptions o = row.options;
  if (o.stride == Pair(0)) o.stride = row.kernel;
  const std::vector<double> values = input.to_vector<double>();
  const int64_t out_h =
                    size_of_output(x[2], row.kernel.h, o.stride.h, o.padding.h, o.dilation.h, o.ceil_mode),
                out_w =
                    size_of_output(x[3], row.kernel.w, o.stride.w, o.padding.w, o.dilation.w, o.ceil_mode);
  std::vector<double> y;
  for (int64_t plane = 0; plane < x[0] * x[1]; ++plane)
    for (int64_t p = 0; p < out_h; ++p)
      for (int64_t q = 0; q < out_w; ++q) {
        std::vector<double> window;
        int64_t padded = 0;
        for (int64_t r = 0; r < row.kernel.h; ++r)
          for (int64_t s = 0; s < row.kernel.w; ++s) {
            const int64_t h = p * o.stride.h - o.padding.h + r * o.dilation.h,
                          w = q * o.stride.w - o.padding.w + s * o.dilation.w;
            if (h < x[2] + o.padding.h && w < x[3] + o.padding.w) ++padded;
            if (h >= 0 && w >= 0 && h < x[2] && w < x[3])
              window.push_back(values[size_t((plane * x[2] + h) * x[3] + w)]);
          }
        y.push_back(f(window, padded));
      }
  return from_values(y, {x[0], x[1], out_h, out_w});
}

Tensor naive_max(const Tensors& in, const Row& row) {
  return naive(in[0], row, [](const std::vector<double>& window, int64_t) {
    double best = -INFINITY;
    for (const double v : window) best = v > best ? v : best;
    return best;
  });
}

Tensor naive_average(const Tensors& in, const Row& row) {
  return naive(in[0], row, [&](const std::vector<double>& window, int64_t padded) {
    double sum = 0;
    for (const double v : window) sum += v;
    return sum / double(row.options.count_include_pad ? padded : int64_t(window.size()));
  });
}

const std::vector<Row> kRows = {{{{2, 3, 6, 6}}, 2},
                                {{{2, 3, 7, 5}}, 2, {.ceil_mode = true}},
                                {{{1, 2, 7, 7}}, 3, {.stride = 2, .padding = 1}},
                                {{{1, 2, 8, 6}}, {3, 2}, {.stride = {1, 2}, .padding = {1, 0}}},
                                {{{1, 2, 6, 6}}, 3, {.stride = 2, .padding = 1, .ceil_mode = true}},
                                {{{1, 70, 4, 4}}, 2},
                                {{{1, 2, 5, 5}}, 1, {.stride = 2}},
                                {{{0, 2, 5, 5}}, 2}};

}  // namespace

TEST_CASE("max_pool2d") {
  std::vector<Row> rows = kRows;
  rows.push_back({{{1, 2, 9, 8}}, 3, {.stride = 2, .padding = 1, .dilation = 2}});
  rows.push_back({{{1, 2, 18, 18}}, 17, {.stride = 1}});  // int32 indices
  check_op<Row>({
      .name = "max_pool2d",
      .op = [](const Tensors& in, const Row& row) { return max_pool2d(in[0], row.kernel, row.options); },
      .reference = naive_max,
      .rows = rows,
  });
}

TEST_CASE("avg_pool2d") {
  std::vector<Row> rows = kRows;
  for (Row row : kRows) {
    row.options.count_include_pad = false;
    rows.push_back(row);
  }
  check_op<Row>({
      .name = "avg_pool2d",
      .op = [](const Tensors& in, const Row& row) { return avg_pool2d(in[0], row.kernel, row.options); },
      .reference = naive_average,
      .rows = rows,
  });
}

TEST_CASE("adaptive_avg_pool2d") {
  check_op<Row>({
      .name = "adaptive_avg_pool2d",
      .op = [](const Tensors& in, const Row& row) { return adaptive_avg_pool2d(in[0], row.kernel); },
      .reference =
          [](const Tensors& in, const Row& row) {
            const Shape x = in[0].shape();
            const std::vector<double> values = in[0].to_vector<double>();
            std::vector<double> y;
            for (int64_t plane = 0; plane < x[0] * x[1]; ++plane)
              for (int64_t p = 0; p < row.kernel.h; ++p)
                for (int64_t q = 0; q < row.kernel.w; ++q) {
                  double sum = 0, count = 0;
                  for (int64_t h = p * x[2] / row.kernel.h; h * row.kernel.h < (p + 1) * x[2]; ++h)
                    for (int64_t w = q * x[3] / row.kernel.w; w * row.kernel.w < (q + 1) * x[3]; ++w, ++count)
                      sum += values[size_t((plane * x[2] + h) * x[3] + w)];
                  y.push_back(sum / count);
                }
            return from_values(y, {x[0], x[1], row.kernel.h, row.kernel.w});
          },
      .rows = {{{{2, 3, 6, 6}}, 1}, {{{2, 3, 7, 5}}, {3, 2}}, {{{1, 2, 3, 3}}, 5}, {{{1, 2, 4, 4}}, 4}},
  });
}

TEST_CASE("max_pool2d passes NaN on and gives the gradient to the first of equal values") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = tensor({{{1.f, nan, 2.f, 2.f}, {3.f, 4.f, 2.f, 1.f}}});
  CHECK(std::isnan(max_pool2d(x, 2).select(2, 0).item<float>()));
  const Tensor leaf = tensor({{{2.f, 2.f}, {2.f, 1.f}}});
  leaf.requires_grad_();
  max_pool2d(leaf, 2).sum().backward();
  CHECK(equal(leaf.grad(), tensor({{{1.f, 0.f}, {0.f, 0.f}}})));
}

TEST_CASE("pooling keeps the order of memory and refuses what PyTorch refuses") {
  CHECK(max_pool2d(zeros({2, 3, 4, 4}, {.memory_format = MemoryFormat::channels_last}), 2)
            .is_contiguous(MemoryFormat::channels_last));
  test::expect_error("max_pool2d: padding must be between 0 and half of the kernel, got (2, 2)", [] {
    max_pool2d(zeros({1, 1, 8, 8}), 3, {.padding = 2});
  });
  test::expect_error("max_pool2d: a kernel of (3, 3) does not fit into x [1,1,2,2]", [] {
    max_pool2d(zeros({1, 1, 2, 2}), 3);
  });
  test::expect_error("max_pool2d: x must be [C,H,W] or [N,C,H,W], got [4,4]", [] {
    max_pool2d(zeros({4, 4}), 2);
  });
  test::expect_error("max_pool2d: needs floating-point numbers, x is int64", [] {
    max_pool2d(zeros({1, 1, 4, 4}, {.dtype = int64}), 2);
  });
  test::expect_error("avg_pool2d: kernel must be at least 1, got (0, 2)", [] {
    avg_pool2d(zeros({1, 1, 4, 4}), {0, 2});
  });
}
