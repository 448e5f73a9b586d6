#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include <kiln/kernels/base/primitives.h>
#include <kiln/kernels/conv/conv2d.h>
#include <kiln/tensor/base/error.h>

using namespace kiln;
using kernels::Conv2dGeometry;

namespace {

struct Case {
  Shape x, weight;
  Pair stride = 1, padding = 0, dilation = 1;
  int64_t groups = 1;
};

const Case kCases[] = {
    {{2, 3, 8, 8}, {4, 3, 3, 3}, 1, 1},
    {{2, 1, 28, 28}, {32, 1, 3, 3}, 1, 1},
    {{3, 3, 11, 9}, {5, 3, 5, 3}, {2, 1}, {1, 2}},
    {{2, 16, 7, 7}, {8, 16, 1, 1}},
    {{2, 16, 8, 8}, {32, 16, 1, 1}, 2},
    {{1, 3, 30, 30}, {16, 3, 7, 7}, 2, 3},
    {{2, 8, 9, 10}, {12, 4, 3, 3}, 1, 1, 1, 2},
    {{2, 16, 9, 9}, {16, 1, 3, 3}, 1, 1, 1, 16},
    {{2, 6, 9, 9}, {18, 1, 3, 3}, 2, 1, 1, 6},
    {{2, 20, 9, 8}, {20, 1, 5, 5}, 2, 2, 1, 20},
    {{1, 33, 12, 10}, {33, 1, 7, 7}, 1, 3, 1, 33},
    {{2, 16, 3, 2}, {16, 1, 5, 4}, 1, {4, 3}, {2, 1}, 16},
    {{1, 5, 13, 12}, {7, 5, 3, 3}, {1, 2}, {2, 3}, {2, 3}},
    {{2, 32, 8, 8}, {64, 32, 5, 5}, 1, 2},
    {{1, 2, 4, 4}, {3, 2, 4, 4}},
    {{1, 2, 3, 3}, {3, 2, 2, 2}, 1, 3},
    {{2, 4, 6, 5}, {4, 4, 2, 3}, {3, 2}, {0, 1}},
    {{0, 3, 8, 8}, {4, 3, 3, 3}, 1, 1},
};

template <class T>
Tensor random_tensor(const Shape& shape, MemoryFormat format, unsigned seed) {
  std::mt19937 random(seed);
  const Tensor x = empty(shape, {.dtype = dtype_of<T>, .memory_format = format});
  for (int64_t i = 0; i < x.numel(); ++i) x.data<T>()[i] = T(float(random() % 2001) / 1000.f - 1.f);
  return x;
}

// f(index in x, index in weight, index in y), all row-major, for every product of the convolution.
template <class F>
void each_product(const Conv2dGeometry& g, F&& f) {
  const int64_t channels = g.channels / g.groups, filters = g.filters / g.groups;
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t k = 0; k < g.filters; ++k)
      for (int64_t p = 0; p < g.out_h; ++p)
        for (int64_t q = 0; q < g.out_w; ++q)
          for (int64_t c = 0; c < channels; ++c)
            for (int64_t r = 0; r < g.kernel_h; ++r)
              for (int64_t s = 0; s < g.kernel_w; ++s) {
                const int64_t h = p * g.stride_h - g.padding_h + r * g.dilation_h,
                              w = q * g.stride_w - g.padding_w + s * g.dilation_w;
                if (h < 0 || w < 0 || h >= g.height || w >= g.width) continue;
                f(size_t(((n * g.channels + k / filters * channels + c) * g.height + h) * g.width + w),
                  size_t(((k * channels + c) * g.kernel_h + r) * g.kernel_w + s),
                  size_t(((n * g.filters + k) * g.out_h + p) * g.out_w + q));
              }
}

using Values = std::vector<double>;

// The bounds are of sums of 400 products of numbers in -1 .. 1, added one after the other: rounding then has
// a deviation of u / 3 * n / sqrt(6) (u = 2^-24 for float32), of which they are six. How the library splits a
// sum, and so how much better it is, depends on the processor.
void check_close(const Tensor& result, const Values& expected, double tolerance, int64_t products,
                 const char* what) {
  CAPTURE(std::string(what));
  tolerance *= std::max(1., double(products) / 400);
  const Values values = result.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i)
    worst = std::max(worst, std::abs(values[i] - expected[i]) / std::max(1., std::abs(expected[i])));
  CHECK(worst <= tolerance);
}

template <class T>
void check_case(const Case& c, MemoryFormat weight_format, double tolerance) {
  CAPTURE(to_string(c.x));
  CAPTURE(to_string(c.weight));
  CpuContext& ctx = CpuContext::current();
  if (!kernels::conv2d_computes(ctx, dtype_of<T>)) return;
  const Conv2dGeometry g = Conv2dGeometry::of(c.x, c.weight, c.stride, c.padding, c.dilation, c.groups);
  constexpr auto nhwc = MemoryFormat::channels_last;
  const Tensor x = random_tensor<T>(c.x, nhwc, 1), weight = random_tensor<T>(c.weight, weight_format, 2),
               bias = random_tensor<T>({g.filters}, MemoryFormat::contiguous, 3),
               grad = random_tensor<T>(g.y_shape(), nhwc, 4), y = random_tensor<T>(g.y_shape(), nhwc, 5),
               dx = random_tensor<T>(c.x, nhwc, 6), dw = random_tensor<T>(c.weight, weight_format, 7);
  kernels::conv2d_forward(ctx, g, x, weight, bias, false, y);
  kernels::conv2d_input_grad(ctx, g, grad, weight, dx);
  kernels::conv2d_weight_grad(ctx, g, grad, x, dw);

  const Values a = x.to_vector<double>(), w = weight.to_vector<double>(), b = bias.to_vector<double>(),
               v = grad.to_vector<double>();
  Values no_bias(v.size()), expected_dx(a.size()), expected_dw(w.size());
  each_product(g, [&](size_t i, size_t j, size_t k) {
    no_bias[k] += a[i] * w[j];
    expected_dx[i] += v[k] * w[j];
    expected_dw[j] += v[k] * a[i];
  });
  Values expected = no_bias;
  for (size_t i = 0; i < expected.size(); ++i)
    expected[i] += b[i / size_t(g.out_h * g.out_w) % size_t(g.filters)];
  const int64_t window = g.kernel_h * g.kernel_w / g.groups, positions = g.batch * g.out_h * g.out_w;
  check_close(y, expected, tolerance, window * g.channels, "y");
  check_close(dx, expected_dx, tolerance, window * g.filters, "dx");
  check_close(dw, expected_dw, tolerance, positions, "dw");
  kernels::conv2d_forward(ctx, g, x, weight, bias, true, y);
  for (double& value : expected) value = std::max(value, 0.);
  check_close(y, expected, tolerance, window * g.channels, "y with relu");
  kernels::conv2d_forward(ctx, g, x, weight, Tensor(), false, y);
  check_close(y, no_bias, tolerance, window * g.channels, "y without bias");
}

void check_error(const Case& c, const char* message) {
  CAPTURE(message);
  CHECK_THROWS_WITH_AS(Conv2dGeometry::of(c.x, c.weight, c.stride, c.padding, c.dilation, c.groups), message,
                       Error);
}

}  // namespace

TEST_CASE("conv2d and its gradients agree with naive loops") {
  for (const Case& c : kCases)
    for (const MemoryFormat format : {MemoryFormat::contiguous, MemoryFormat::channels_last}) {
      check_case<float>(c, format, 2e-5);
      check_case<double>(c, format, 1e-13);
      check_case<BFloat16>(c, format, 2e-2);
    }
}

TEST_CASE("conv2d makes its primitives once for a geometry") {
  const Case& c = kCases[0];
  check_case<float>(c, MemoryFormat::contiguous, 2e-5);
  const int64_t before = kernels::primitives_created();
  check_case<float>(c, MemoryFormat::contiguous, 2e-5);
  CHECK(kernels::primitives_created() == before);
}

TEST_CASE("conv2d refuses shapes that do not fit") {
  check_error(
      {{8, 4, 32, 32}, {64, 3, 3, 3}},
      "conv2d: weight expects 3 input channels, x has 4 (x [8,4,32,32], weight [64,3,3,3], groups 1)");
  check_error({{8, 4, 2, 2}, {4, 4, 3, 3}},
              "conv2d: the kernel spans 3x3, more than the padded x 2x2 (x [8,4,2,2], weight [4,4,3,3]); add "
              "padding");
  check_error({{8, 4, 8, 8}, {5, 2, 3, 3}, 1, 0, 1, 2},
              "conv2d: 5 filters cannot be split into 2 groups (weight [5,2,3,3])");
  check_error({{8, 4, 8}, {5, 2, 3, 3}}, "conv2d: x must be [N,C,H,W], got [8,4,8]");
  check_error({{8, 4, 8, 8}, {5, 4, 3, 3}, 0}, "conv2d: stride must be at least 1, got (0, 0)");
  check_error({{8, 4, 8, 8}, {5, 4, 3, 0}}, "conv2d: weight has an empty dimension [5,4,3,0]");
}
