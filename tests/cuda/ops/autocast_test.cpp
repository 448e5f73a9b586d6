#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include <kiln/kiln.h>

using namespace kiln;

// Where each op rounds: on a GPU as on the CPU. Ends of training runs cannot tell, for they magnify every
// difference.

namespace {

constexpr Device gpu = DeviceType::cuda;

// Whether few elements differ by more than float32's rounding, which is far below a step of a half: one, or
// one in a hundred.
bool rounds_alike(const Tensor& a, const Tensor& b) {
  REQUIRE(a.dtype() == b.dtype());
  const std::vector<double> x = a.detach().to(float64).to_vector<double>(),
                            y = b.detach().to(cpu).to(float64).to_vector<double>();
  REQUIRE(x.size() == y.size());
  size_t others = 0;
  for (size_t i = 0; i < x.size(); ++i) others += std::abs(x[i] - y[i]) > 1e-4 * std::abs(x[i]) ? 1 : 0;
  return double(others) <= std::max(1.0, 0.01 * double(x.size()));
}

// One layer's result and gradients for the same x and the same gradient on both devices. Sums are in float32
// in some order, or in float64: that takes few values, those near the border of two halves, to the other
// side. One more rounding, or one less, changes a tenth or more of them.
template <class Layer, class F>
void check(const std::string& name, DType half, const Layer& layer, const Tensor& x, F&& f) {
  CAPTURE(name);
  CAPTURE(half);
  Layer copies[2] = {nn::clone(layer), nn::clone(layer)};
  Tensor inputs[2], results[2];
  Tensor g;
  for (int i = 0; i < 2; ++i) {
    const Device device = i == 0 ? cpu : gpu;
    copies[i].to(device);
    inputs[i] = to(x, half).to(device).detach().requires_grad_();
    {
      const Autocast amp(half);
      results[i] = f(copies[i], inputs[i]);
    }
    if (i == 0) g = to(randn(results[0].shape()), results[0].dtype());
    results[i].backward(g.to(device));
  }
  CHECK(rounds_alike(results[0], results[1]));
  CHECK(rounds_alike(inputs[0].grad(), inputs[1].grad()));
  const std::vector<Tensor> parameters = copies[0].parameters(), theirs = copies[1].parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    CAPTURE(i);
    CHECK(rounds_alike(parameters[i].grad(), theirs[i].grad()));
  }
}

Tensor picture(const Shape& shape) { return randn(shape, {.memory_format = MemoryFormat::channels_last}); }

}  // namespace

TEST_CASE("autocast on CUDA: each op of a net rounds where the CPU's does") {
  manual_seed(2);
  const auto call = [](auto& layer, const Tensor& x) { return layer(x); };
  const Tensor labels = randint(0, 10, {64}, {.dtype = int64});
  for (const DType half : {bfloat16, float16}) {
    check("conv2d", half, nn::Conv2d(1, 16, 3, {.padding = 1, .bias = false}), picture({8, 1, 28, 28}), call);
    check("conv2d with bias", half, nn::Conv2d(16, 24, 3, {.stride = 2}), picture({8, 16, 14, 14}), call);
    check("batch norm", half, nn::BatchNorm2d(16), picture({8, 16, 14, 14}), call);
    check("batch norm with ReLU", half, nn::BatchNorm2d(16), picture({8, 16, 14, 14}),
          [](auto& layer, const Tensor& x) { return layer.relu(x); });
    check("linear", half, nn::Linear(600, 64), randn({64, 600}), call);
    check("layer norm", half, nn::LayerNorm(64), randn({64, 64}), call);
    const nn::Sequential none;
    check("max pool", half, none, picture({8, 16, 14, 14}),
          [](auto&, const Tensor& x) { return max_pool2d(x, 2); });
    check("average pool", half, none, picture({8, 16, 14, 14}),
          [](auto&, const Tensor& x) { return adaptive_avg_pool2d(x, 1); });
    check("residual", half, none, picture({8, 16, 14, 14}),
          [](auto&, const Tensor& x) { return relu(x + x * 0.3); });
    check("cross entropy", half, none, randn({64, 10}),
          [&](auto&, const Tensor& x) { return cross_entropy(x, labels.to(x.device())); });
  }
}
