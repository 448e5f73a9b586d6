#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include <kiln/optim/adam.h>
#include <kiln/optim/scheduler.h>
#include <kiln/optim/sgd.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/base/function.h>

using namespace kiln;
using namespace kiln::optim;

namespace {

constexpr int kSteps = 100;

const std::map<std::string, std::vector<double>>& expected() {
  static const auto all = [] {
    std::map<std::string, std::vector<double>> result;
    std::ifstream file("tests/optim/scheduler_expected.txt");
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string name;
      words >> name;
      for (double value; words >> value;) result[name].push_back(value);
    }
    return result;
  }();
  return all;
}

Tensor leaf() { return from_values(std::vector<float>{0}, {1}).requires_grad_(); }

void check_close(const std::vector<double>& got, const std::string& name) {
  const std::vector<double>& want = expected().at(name);
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got[i] - want[i]) <= 1e-13 * std::abs(want[i]) + 1e-18);
  }
}

struct Row {
  const char* name;
  Function<std::unique_ptr<LRScheduler>(Optimizer&)> make;
};

template <class Schedule, class... Args>
Row row(const char* name, const Args&... args) {
  return {name, [=](Optimizer& opt) { return std::make_unique<Schedule>(opt, args...); }};
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      row<StepLR>("step", 7),
      row<StepLR>("step_gamma", 30, 0.5),
      row<MultiStepLR>("multi_step", std::vector<int64_t>{80, 20, 50, 50}, 0.3),
      row<ExponentialLR>("exponential", 0.93),
      row<CosineAnnealingLR>("cosine", 100),
      row<CosineAnnealingLR>("cosine_back", 30, 0.01),
      row<LinearLR>("linear"),
      row<LinearLR>("linear_down",
                    LinearLROptions{.start_factor = 0.8, .end_factor = 0.1, .total_iters = 60}),
      row<LambdaLR>("lambda", [](int64_t epoch) { return 1 / (1 + double(epoch)); }),
      row<OneCycleLR>("one_cycle", 0.5, OneCycleLROptions{.total_steps = 100}),
      row<OneCycleLR>("one_cycle_linear", 0.5,
                      OneCycleLROptions{.epochs = 10,
                                        .steps_per_epoch = 10,
                                        .pct_start = 0.25,
                                        .anneal_strategy = AnnealStrategy::linear,
                                        .div_factor = 10,
                                        .final_div_factor = 100}),
      row<OneCycleLR>(
          "one_cycle_three", 0.5,
          OneCycleLROptions{
              .total_steps = 120, .base_momentum = 0.8, .max_momentum = 0.9, .three_phase = true}),
      row<OneCycleLR>("one_cycle_no_momentum", 0.5,
                      OneCycleLROptions{.total_steps = 100, .cycle_momentum = false}),
  };
  return all;
}

}  // namespace

TEST_CASE("schedules have PyTorch's values") {
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    SGD opt({leaf()}, {.lr = 0.1, .momentum = 0.9});
    const auto schedule = row.make(opt);
    std::vector<double> lrs, momenta;
    for (int step = 0; step < kSteps; ++step) {
      CHECK(schedule->get_last_lr() == std::vector<double>{opt.lr()});
      lrs.push_back(opt.lr());
      momenta.push_back(opt.momentum());
      if (step + 1 < kSteps) schedule->step();
    }
    check_close(lrs, row.name);
    if (expected().contains(std::string(row.name) + "/momentum"))
      check_close(momenta, std::string(row.name) + "/momentum");
  }
}

TEST_CASE("a schedule goes on from its state") {
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    SGD opt({leaf()}, {.lr = 0.1, .momentum = 0.9});
    const auto schedule = row.make(opt);
    for (int step = 0; step < 37; ++step) schedule->step();
    SGD resumed({leaf()}, {.lr = 0.7});
    const auto other = row.make(resumed);
    resumed.load_state_dict(opt.state_dict());
    other->load_state_dict(schedule->state_dict());
    for (int step = 37; step < kSteps - 1; ++step) {
      schedule->step();
      other->step();
      CHECK(opt.lr() == resumed.lr());
      CHECK(opt.momentum() == resumed.momentum());
    }
    CHECK(schedule->state_dict() == other->state_dict());
  }
}

TEST_CASE("SequentialLR has PyTorch's values and goes on from its state") {
  SGD opt({leaf()}, {.lr = 0.1, .momentum = 0.9}), resumed({leaf()}, {.lr = 0.3});
  const auto make = [](Optimizer& o, auto& first, auto& second, auto& third) {
    first = std::make_unique<LinearLR>(o, LinearLROptions{.start_factor = 0.1, .total_iters = 10});
    second = std::make_unique<CosineAnnealingLR>(o, 40);
    third = std::make_unique<ExponentialLR>(o, 0.9);
    return std::make_unique<SequentialLR>(
        o, std::vector<LRScheduler*>{first.get(), second.get(), third.get()}, std::vector<int64_t>{10, 60});
  };
  std::unique_ptr<LRScheduler> parts[6];
  const auto schedule = make(opt, parts[0], parts[1], parts[2]);
  const auto other = make(resumed, parts[3], parts[4], parts[5]);
  std::vector<double> lrs;
  for (int step = 0; step < kSteps; ++step) {
    lrs.push_back(opt.lr());
    if (step == 30) {
      resumed.load_state_dict(opt.state_dict());
      other->load_state_dict(schedule->state_dict());
    }
    if (step >= 30) CHECK(resumed.lr() == opt.lr());
    schedule->step();
    if (step >= 30) other->step();
  }
  check_close(lrs, "sequential");
  CHECK_THROWS_WITH_AS(SequentialLR(opt, {parts[0].get()}, {3}),
                       "SequentialLR: 1 schedules need 0 milestones, got 1", Error);
  CHECK_THROWS_AS(SequentialLR(opt, {parts[3].get()}, {}), Error);
}

TEST_CASE("ReduceLROnPlateau has PyTorch's values and goes on from its state") {
  struct PlateauRow {
    const char* name;
    ReduceLROnPlateauOptions options;
  };
  const PlateauRow plateaus[] = {
      {"plateau", {}},
      {"plateau_max",
       {.mode = PlateauMode::max,
        .factor = 0.5,
        .patience = 2,
        .threshold = 0.05,
        .threshold_mode = ThresholdMode::abs,
        .cooldown = 3}},
      {"plateau_floor", {.factor = 0.3, .patience = 1, .threshold = 0.1, .min_lr = 0.004}},
  };
  for (const PlateauRow& plateau : plateaus) {
    CAPTURE(plateau.name);
    SGD opt({leaf()}, {.lr = 0.1, .momentum = 0.9}), resumed({leaf()}, {.lr = 0.7});
    ReduceLROnPlateau schedule(opt, plateau.options), other(resumed, plateau.options);
    std::vector<double> lrs;
    for (int step = 0; step < kSteps; ++step) {
      const double metric = std::abs(step % 40 - 25) / 8.0 + 1;
      schedule.step(metric);
      if (step > 50) other.step(metric);
      if (step == 50) {
        resumed.load_state_dict(opt.state_dict());
        other.load_state_dict(schedule.state_dict());
      }
      lrs.push_back(opt.lr());
      if (step >= 50) CHECK(resumed.lr() == opt.lr());
    }
    check_close(lrs, plateau.name);
  }
}

TEST_CASE("schedules move Adam's first beta, and each group from its own rate") {
  const Tensor a = leaf(), b = leaf();
  Adam opt(std::vector<Adam::Group>{{{a}, {.lr = 0.1}}, {{b}, {.lr = 0.2}}});
  {
    OneCycleLR schedule(opt, {0.5, 0.7}, {.total_steps = 10});
    CHECK(opt.lr(0) == doctest::Approx(0.02));
    CHECK(opt.lr(1) == doctest::Approx(0.028));
    CHECK(opt.options(0).betas.first == doctest::Approx(0.95));
    for (int i = 0; i < 10; ++i) schedule.step();
    CHECK_THROWS_WITH_AS(schedule.step(), "OneCycleLR: step 12 is beyond total_steps 10", Error);
  }
  Adam plain(std::vector<Adam::Group>{{{a}, {.lr = 0.1}}, {{b}, {.lr = 0.2}}});
  ExponentialLR schedule(plain, 0.5);
  schedule.step();
  CHECK(schedule.get_last_lr() == std::vector<double>{0.05, 0.1});
}

TEST_CASE("schedules refuse arguments out of range") {
  SGD opt({leaf()}, {.lr = 0.1});
  CHECK_THROWS_WITH_AS(StepLR(opt, 0), "StepLR: step_size 0 must be at least 1", Error);
  CHECK_THROWS_AS(CosineAnnealingLR(opt, 0), Error);
  CHECK_THROWS_AS(LinearLR(opt, {.start_factor = 1.5}), Error);
  CHECK_THROWS_AS(LinearLR(opt, {.end_factor = -1}), Error);
  CHECK_THROWS_AS(OneCycleLR(opt, 0.1, {}), Error);
  CHECK_THROWS_AS(OneCycleLR(opt, 0.1, {.total_steps = 5, .pct_start = 2}), Error);
  CHECK_THROWS_AS(OneCycleLR(opt, {0.1, 0.2}, {.total_steps = 5}), Error);
  CHECK_THROWS_AS(ReduceLROnPlateau(opt, {.factor = 1}), Error);
  CHECK_THROWS_AS(LambdaLR(opt, {}), Error);
  StepLR schedule(opt, 3);
  CHECK_THROWS_AS(schedule.load_state_dict(Value{{"gamma", 0.1}}), Error);
  CHECK_THROWS_AS(schedule.load_state_dict(Value{{"last_epoch", 1}, {"base_lrs", Value::list({1, 2})}}),
                  Error);
  opt.add_param_group({leaf()}, {.lr = 0.2});
  CHECK_THROWS_AS(schedule.step(), Error);
}
