#include <doctest/doctest.h>

#include <cmath>

#include <kiln/train/step.h>

#include "support/check_op.h"
#include "support/device.h"
#include "support/files.h"

using namespace kiln;
using kiln::optim::GradScaler;
using kiln::test::expect_error;

namespace {

// From grad_scaler_expected.py.
struct Step {
  bool overflow;
  double scale;
  int64_t tracker;
  float w0, w1;
};
const std::vector<Step> kSteps = {
    {false, 4, 1, 0.900000036f, -1.89999998f}, {false, 8, 0, 0.800412238f, -1.80016649f},
    {true, 4, 0, 0.800412238f, -1.80016649f},  {false, 4, 1, 0.701586306f, -1.70062339f},
    {false, 8, 0, 0.603939116f, -1.60150492f}, {false, 8, 1, 0.507963717f, -1.50295579f},
    {false, 16, 0, 0.414236516f, -1.4051317f}, {true, 8, 0, 0.414236516f, -1.4051317f},
    {true, 4, 0, 0.414236516f, -1.4051317f},   {false, 4, 1, 0.323420763f, -1.30819941f},
    {false, 8, 0, 0.236263782f, -1.2123369f},
};

struct Problem {
  Tensor w = tensor({1.f, -2.f}).requires_grad_();
  optim::Adam optimizer{{w}, {.lr = 0.1}};
  Tensor loss(double factor = 1) const { return sum(w * w) * factor; }
};

}  // namespace

TEST_CASE("GradScaler follows PyTorch's, overflows included") {
  Problem p;
  GradScaler scaler({.init_scale = 4, .growth_interval = 2});
  for (const Step& step : kSteps) {
    p.optimizer.zero_grad();
    scaler.scale(p.loss(step.overflow ? INFINITY : 1)).backward();
    scaler.step(p.optimizer);
    scaler.update();
    const Value state = scaler.state_dict();
    CHECK(state.at("scale").as_float() == step.scale);
    CHECK(state.at("_growth_tracker").as_int() == step.tracker);
    CHECK(p.w[0].item<float>() == doctest::Approx(step.w0).epsilon(1e-6));
    CHECK(p.w[1].item<float>() == doctest::Approx(step.w1).epsilon(1e-6));
  }
  // Steps that were left out are not counted: Adam's correction depends on it.
  CHECK(p.optimizer.state_dict().at("state/0/step").as_tensor().item<int64_t>() == 8);
}

TEST_CASE("GradScaler: its state goes through a file") {
  Problem p;
  GradScaler scaler({.init_scale = 16, .growth_factor = 4, .growth_interval = 7});
  scaler.scale(p.loss()).backward();
  scaler.step(p.optimizer);
  scaler.update();
  const test::TemporaryFolder folder;
  io::save(folder / "scaler.kiln", scaler.state_dict());
  GradScaler loaded;
  loaded.load_state_dict(io::load(folder / "scaler.kiln"));
  CHECK(loaded.get_scale() == 16);
  CHECK(loaded.state_dict().at("growth_interval").as_int() == 7);
  CHECK(loaded.state_dict().at("_growth_tracker").as_int() == 1);
  expect_error("has no 'scale'", [&] { loaded.load_state_dict(Value::dict()); });
  CHECK(loaded.get_scale() == 16);
}

TEST_CASE("GradScaler: gradients are there to be clipped after unscale_") {
  Problem p;
  GradScaler scaler({.init_scale = 1024});
  scaler.scale(p.loss()).backward();
  CHECK(p.w.grad()[0].item<float>() == 2048);
  scaler.unscale_(p.optimizer);
  CHECK(p.w.grad()[0].item<float>() == 2);
  CHECK(p.w.grad()[1].item<float>() == -4);
  CHECK(optim::clip_grad_norm_({p.w}, 1).item<float>() == doctest::Approx(std::sqrt(20.0)));
  expect_error("unscale_() was called for this Adam already", [&] { scaler.unscale_(p.optimizer); });
  scaler.step(p.optimizer);  // does not divide again
  CHECK(p.w.grad()[0].item<float>() == doctest::Approx(1 / std::sqrt(5.0)));
  expect_error("step() after step() of the same Adam", [&] { scaler.step(p.optimizer); });
  scaler.update();
  scaler.step(p.optimizer);
}

TEST_CASE("GradScaler: one optimiser overflows, the other steps; the factor backs off") {
  Problem a, b;
  GradScaler scaler({.init_scale = 8});
  scaler.scale(a.loss()).backward();
  scaler.scale(b.loss(NAN)).backward();
  scaler.step(a.optimizer);
  scaler.step(b.optimizer);
  scaler.update();
  CHECK(a.w[0].item<float>() == doctest::Approx(0.9));
  CHECK(b.w[0].item<float>() == 1);
  CHECK(scaler.get_scale() == 4);
  a.optimizer.zero_grad();
  scaler.scale(a.loss()).backward();
  scaler.step(a.optimizer);
  scaler.update();
  CHECK(a.w[0].item<float>() < 0.85);
  CHECK(scaler.get_scale() == 4);
}

TEST_CASE("GradScaler: not enabled it does nothing; the scale can be set; wrong use is refused") {
  Problem p;
  GradScaler off({.enabled = false});
  const Tensor loss = p.loss();
  CHECK(off.scale(loss).is_same(loss));
  loss.backward();
  off.unscale_(p.optimizer);
  off.step(p.optimizer);
  off.update();
  CHECK(p.w[0].item<float>() == doctest::Approx(0.9));
  CHECK(off.state_dict().size() == 0);

  GradScaler scaler;
  CHECK(scaler.get_scale() == 65536);
  expect_error("update() before step()", [&] { scaler.update(); });
  scaler.update(128.0);
  CHECK(scaler.get_scale() == 128);
  expect_error("must be above 0", [&] { scaler.update(0.0); });
  p.optimizer.zero_grad();
  expect_error("has a gradient; call scale(loss).backward() first", [&] { scaler.step(p.optimizer); });
  expect_error("growth_factor 1 must be above 1", [] { GradScaler({.growth_factor = 1}); });
  expect_error("backoff_factor 1 must lie", [] { GradScaler({.backoff_factor = 1}); });
  expect_error("growth_interval 0", [] { GradScaler({.growth_interval = 0}); });
  expect_error("init_scale 0", [] { GradScaler({.init_scale = 0}); });

  const Tensor half = ones({2}, {.dtype = float16}).requires_grad_();
  optim::SGD sgd({half}, {.lr = 0.1});
  scaler.scale(sum(half)).backward();
  expect_error("of a float16 gradient", [&] { scaler.step(sgd); });
}

TEST_CASE("GradScaler: float16 gradients that would vanish arrive") {
  // A gradient of 1e-8 is 0 in float16, and 6.6e-4 after scaling.
  const auto gradient = [](bool scaled) {
    const Tensor w = ones({4}).requires_grad_(), x = ones({1, 4}, {.dtype = float16});
    optim::SGD sgd({w}, {.lr = 0});
    GradScaler scaler({.enabled = scaled});
    Tensor loss;
    {
      const Autocast amp(float16);
      loss = sum(matmul(x, w)) * 1e-8;
    }
    scaler.scale(loss).backward();
    scaler.unscale_(sgd);
    return w.grad()[0].item<double>();
  };
  CHECK(gradient(false) == 0);
  CHECK(gradient(true) == doctest::Approx(1e-8).epsilon(1e-3));
}

namespace {

// The parameter after steps with these factors on the loss; of a loop without a scaler when `plain`.
template <class Optimizer, class Options>
std::vector<double> after(const std::vector<double>& factors, bool plain, bool graph,
                          const Options& options) {
  const Tensor w = tensor({1.f, -2.f}).requires_grad_();
  Optimizer optimizer({w}, options);
  GradScaler scaler({.init_scale = 1024, .enabled = !plain});
  train::Step step(test::device(), graph, [&](const Tensors& batch) {
    optimizer.zero_grad();
    const Tensor loss = sum(w * w) * batch[0];
    scaler.scale(loss).backward();
    scaler.step(optimizer);
    scaler.update();
    return loss;
  });
  for (const double factor : factors) step({tensor({float(factor)}).reshape({})});
  return w.to_vector<double>();
}

template <class Optimizer, class Options>
void check_first_overflows(const Options& options) {
  for (const bool graph : {false, true}) {
    if (graph && !test::device().is_cuda()) continue;
    CAPTURE(graph);
    CHECK(after<Optimizer>({INFINITY, INFINITY, INFINITY, 1, NAN, 0.5, 0.25}, false, graph, options) ==
          after<Optimizer>({1, 0.5, 0.25}, true, false, options));
  }
}

}  // namespace

TEST_CASE("GradScaler: the first steps overflow, and a graph is captured before there was one") {
  check_first_overflows<optim::SGD>(optim::SGDOptions{.lr = 0.1});
  check_first_overflows<optim::SGD>(
      optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true});
  check_first_overflows<optim::Adam>(optim::AdamOptions{.lr = 0.1});
  check_first_overflows<optim::AdamW>(optim::AdamWOptions{.lr = 0.1, .amsgrad = true});
}
