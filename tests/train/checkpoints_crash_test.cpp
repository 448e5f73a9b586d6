#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include <kiln/autograd/ops.h>
#include <kiln/tensor/fmt.h>
#include <kiln/train/checkpoints.h>

#include "support/device.h"
#include "support/disk/crash_states.h"

// What a power failure may leave of a folder of checkpoints, at any moment of saves, with and without calls
// of the system that fail.

namespace kiln {
namespace {

using test::Expected;
using test::Series;
using train::Checkpoints;

constexpr int kKept = 2;

double accuracy(int64_t step) {
  constexpr double kAccuracies[] = {0.5, 0.9, 0.3, 0.4, 0.95, 0.2, 0.1};  // of steps 1, 2, ...
  return kAccuracies[size_t(step - 1) % std::size(kAccuracies)];
}

// A run whose whole state says its step.
struct Run {
  int64_t step = 0;
  Tensor weight = zeros({200});
  Checkpoints checkpoints;

  explicit Run(const std::string& folder) : checkpoints(folder, {.keep_last = kKept, .best = {"accuracy"}}) {
    checkpoints.add("step", step).add("weight", weight);
  }
  void save(int64_t number) {
    step = number;
    std::fill_n(weight.data<float>(), weight.numel(), float(number));
    checkpoints.save(step, {{"accuracy", accuracy(step)}});
  }
  bool is_whole() const {
    return std::all_of(weight.data<float>(), weight.data<float>() + weight.numel(),
                       [&](float x) { return x == float(step); });
  }
};

// The best of those that were saved, or one that may be there and is better.
bool may_be_best(int64_t step, const Expected& expected) {
  const auto is_worse = [](int64_t a, int64_t b) { return accuracy(a) < accuracy(b); };
  const auto best = std::ranges::max_element(expected.ended, is_worse);
  const bool has_best = best != expected.ended.end();
  if (step == (has_best ? *best : 0)) return true;
  return std::ranges::find(expected.unsure, step) != expected.unsure.end() &&
         (!has_best || is_worse(*best, step));
}

std::string wrong_in(const std::string& folder, const Expected& expected) {
  size_t files = 0;
  if (std::filesystem::exists(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      files += entry.path().filename().string().starts_with("checkpoint-");
  if (files < std::min(size_t(kKept), expected.ended.size())) return fmt::format("{} checkpoints", files);
  Run run(folder);
  const bool found = run.checkpoints.resume();
  if (!run.checkpoints.skipped().empty()) return run.checkpoints.skipped()[0];
  if (!expected.allows(run.step)) return fmt::format("the newest is {}", run.step);
  if (!run.is_whole()) return fmt::format("step {} is a mixture", run.step);
  if (run.checkpoints.load_best() != found) return "no best";
  if (!may_be_best(run.step, expected)) return fmt::format("the best is {}", run.step);
  return run.is_whole() ? "" : fmt::format("step {}, the best, is a mixture", run.step);
}

Series series_in(const std::string& name) {
  Series series = {.name = name, .saves = 5, .begin = {}, .complaint = {}};
  series.begin = [=](const std::string& folder) {
    return [run = std::make_shared<Run>(folder + "/" + name)](int64_t number) { run->save(number); };
  };
  series.complaint = [=](const std::string& folder, const Expected& expected) {
    return wrong_in(folder + "/" + name, expected);
  };
  return series;
}

}  // namespace

TEST_CASE(
    "checkpoints: whatever a power failure leaves, the newest or the one before is found, and the best") {
  const test::FactoryDevice scope(cpu);  // a disk knows none
  test::check_crashes({series_in("run"), series_in("deep/down/run")}, 40);
}

TEST_CASE("checkpoints: a power failure where calls of the system failed before") {
  const test::FactoryDevice scope(cpu);
  test::check_crashes_after_faults({series_in("deep/run")}, {1, 3, 4});
}

TEST_CASE("checkpoints: without syncing they would be lost") {
  const test::FactoryDevice scope(cpu);
  test::check_syncing({series_in("run")});
}

}  // namespace kiln
