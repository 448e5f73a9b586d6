#include <doctest/doctest.h>

#include <cmath>

#include <kiln/kiln.h>
#include <kiln/tensor/cuda/graph.h>

#include "both.h"

using namespace kiln;

namespace {

constexpr Device gpu = DeviceType::cuda;

struct Net : nn::Module {
  nn::Linear first{6, 8};
  nn::BatchNorm1d norm{8};
  nn::Dropout drop{0.3};
  nn::Linear last{8, 3};
  NN_MEMBERS(first, norm, drop, last)
  Tensor forward(const Tensor& x) { return last(drop(relu(norm(first(x))))); }
};

// A training run whose steps can be recorded.
template <class Optimizer, class Options>
struct Run {
  Net net;
  Tensor x, y, loss;
  Box<Optimizer> optimizer;
  Box<optim::OneCycleLR> schedule;

  explicit Run(const Options& options) {
    manual_seed(3);
    net.apply([](nn::Module& module) { module.reset_parameters(); });
    net.to(gpu);
    optimizer = Box<Optimizer>(new Optimizer(net.parameters(), options));
    schedule = make_box<optim::OneCycleLR>(*optimizer, 0.1, optim::OneCycleLROptions{.total_steps = 20});
    x = empty({5, 6}, {.device = gpu});
    y = empty({5}, {.dtype = int64, .device = gpu});
  }
  void step() {
    optimizer->zero_grad();
    loss = cross_entropy(net(x), y);
    loss.backward();
    optim::clip_grad_norm_(net.parameters(), 0.5);
    optimizer->step();
  }
  // Feeds batch i, has `take` do the step, and gives the loss.
  template <class F>
  double train(int i, F&& take) {
    Generator numbers{uint64_t(i)};
    x.copy_(randn({5, 6}, {}, &numbers));
    y.copy_(randint(0, 3, {5}, {.dtype = int64}, &numbers));
    take();
    schedule->step();
    return loss.item<double>();
  }
};

// Ten steps as usual, and ten of which all but the first two are replays, are the same to the last bit.
template <class Optimizer, class Options>
void check_captured(const Options& options) {
  Run<Optimizer, Options> usual(options);
  std::vector<double> expected, losses;
  for (int i = 0; i < 10; ++i) expected.push_back(usual.train(i, [&] { usual.step(); }));
  const PhiloxState numbers = default_generator().state();

  Run<Optimizer, Options> captured(options);
  cuda::Graph graph;
  for (int i = 0; i < 10; ++i)
    losses.push_back(captured.train(i, [&] {
      if (i < 2) return captured.step();
      if (i == 2) graph.capture([&] { captured.step(); });
      graph.replay();
    }));
  CHECK(losses == expected);
  CHECK(default_generator().state() == numbers);
  CHECK(captured.optimizer->state_dict() == usual.optimizer->state_dict());
  CHECK(Value(captured.net.state_dict()) == Value(usual.net.state_dict()));
  CHECK(captured.schedule->state_dict() == usual.schedule->state_dict());
}

}  // namespace

TEST_CASE("a captured training step is the step: schedules, dropout and counters go on") {
  check_captured<optim::SGD>(optim::SGDOptions{.momentum = 0.9, .weight_decay = 1e-3, .nesterov = true});
  check_captured<optim::Adam>(optim::AdamOptions{.amsgrad = true});
  check_captured<optim::AdamW>(optim::AdamWOptions{});
}

TEST_CASE("the first step of an optimiser with state cannot be captured") {
  Run<optim::Adam, optim::AdamOptions> run({});
  run.x.zero_();
  run.y.zero_();
  cuda::Graph graph;
  CHECK_THROWS_WITH_AS(graph.capture([&] { run.step(); }),
                       "Adam: take a step before a graph is captured: it makes the optimiser's state", Error);
  run.step();
  graph.capture([&] { run.step(); });
  graph.replay();
  CHECK(run.optimizer->state_dict().at("state/0/step").as_tensor().item<double>() == 2);
}

TEST_CASE("replays draw other numbers, those of the generator's place and seed") {
  Generator generator{5};
  const auto draw = [&] {
    return Tensors{randn({7}, {.device = gpu}, &generator),
                   randint(0, 1000, {3}, {.dtype = int64, .device = gpu}, &generator),
                   dropout(ones({100}, {.device = gpu}), 0.5, true, &generator)};
  };
  Tensors replayed;
  cuda::Graph graph;
  graph.capture([&] { replayed = draw(); });
  CHECK(generator.state() == PhiloxState{5, 0});
  for (const uint64_t seed : {5, 5, 8}) {
    if (seed != generator.seed()) generator.manual_seed(seed);
    const PhiloxState start = generator.state();
    graph.replay();
    const PhiloxState end = generator.state();
    generator.set_state(start);
    const Tensors expected = draw();
    CHECK(generator.state() == end);
    for (size_t i = 0; i < expected.size(); ++i) CHECK(equal(replayed[i], expected[i]));
  }
}

TEST_CASE("a captured step with a loss scale leaves out what overflows, and counts it so") {
  const auto trained = [](bool captured) {
    Run<optim::Adam, optim::AdamOptions> run({});
    optim::GradScaler scaler({.init_scale = 1024, .growth_interval = 3});
    const Tensor factor = ones({}, {.device = gpu});
    const auto step = [&] {
      run.optimizer->zero_grad();
      {
        const Autocast amp(float16);
        run.loss = cross_entropy(run.net(run.x), run.y);
      }
      scaler.scale(run.loss * factor).backward();
      scaler.step(*run.optimizer);
      scaler.update();
    };
    cuda::Graph graph;
    std::vector<double> seen;
    for (int i = 0; i < 12; ++i) {
      factor.fill_(i == 4 || i == 7 || i == 8 ? INFINITY : 1);
      seen.push_back(run.train(i, [&] {
        if (!captured || i < 2) return step();
        if (i == 2) graph.capture(step);
        graph.replay();
      }));
      seen.push_back(scaler.get_scale());
    }
    CHECK(run.optimizer->state_dict().at("state/0/step").as_tensor().item<double>() == 9);
    seen.push_back(
        double(run.optimizer->state_dict().at("state/0/exp_avg_sq").as_tensor().sum().item<float>()));
    return seen;
  };
  const std::vector<double> usual = trained(false);
  CHECK(trained(true) == usual);
  CHECK(usual[2 * 3 + 1] == 2048);
  CHECK(usual[2 * 4 + 1] == 1024);
}
