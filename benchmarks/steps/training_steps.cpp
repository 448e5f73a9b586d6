#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <kiln/kiln.h>
#include <kiln/models/residual/resnet.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/graph.h>
#include <kiln/tensor/device/context.h>

#include "nets.h"
#include "step_counts.h"
#include "training_step.h"

// Prints what a training step asks of the GPU, as usual and as a graph: launches, copies, waits, allocations
// from the driver. Fails when it is more than a step may ask.

using namespace kiln;
using benchmarks::StepCounts;

namespace {

struct Options {
  int64_t batch = 2, image = 32;
  std::string net, precision;  // empty: all
};

struct Net {
  const char* name;
  Function<std::function<void()>(const Options&, DType precision)> step;
  int64_t most_launches;  // in float32
};

const std::vector<Net>& nets() {
  static const std::vector<Net> all = {
      {"fashion_mnist",
       [](const Options& options, DType precision) {
         return benchmarks::training_step(benchmarks::FashionNet(), {options.batch, 1, 28, 28}, 10,
                                          precision);
       },
       40},
      {"cifar10",
       [](const Options& options, DType precision) {
         return benchmarks::training_step(benchmarks::CifarNet(), {options.batch, 3, 32, 32}, 10, precision);
       },
       40},
      {"resnet18",
       [](const Options& options, DType precision) {
         return benchmarks::training_step(nn::models::resnet18({.num_classes = 10}),
                                          {options.batch, 3, options.image, options.image}, 10, precision);
       },
       130},
  };
  return all;
}

std::string cell(const std::optional<int64_t>& count) { return count ? fmt::format("{}", *count) : "-"; }

void print(const std::string& what, const StepCounts& c) {
  fmt::print("| {} | {} | {} | {} | {} |\n", what, c.launches, cell(c.copies), cell(c.synchronizations),
             c.allocations);
  std::fflush(stdout);
}

void require(bool holds, const std::string& what) {
  if (!holds) fail("{}", what);
}

void count(const Net& net, const Options& options, DType precision) {
  const std::string name = fmt::format("{}, {}", net.name, name_of(precision));
  const std::function<void()> step = net.step(options, precision);
  step();
  step();
  const StepCounts usual = benchmarks::count_step(step);
  print(name, usual);
  cuda::Graph graph;
  graph.capture(step);
  graph.replay();
  const StepCounts replayed = benchmarks::count_step([&] { graph.replay(); });
  print(name + ", as a graph", replayed);

  require(precision != float32 || usual.launches <= net.most_launches,
          fmt::format("{}: {} launches, {} are allowed", name, usual.launches, net.most_launches));
  require(replayed.launches == 1, fmt::format("{}: a graph has {} launches", name, replayed.launches));
  for (const StepCounts& counts : {usual, replayed}) {
    require(counts.allocations == 0,
            fmt::format("{}: {} allocations from the driver, none is allowed", name, counts.allocations));
    require(counts.synchronizations.value_or(0) == 0,
            fmt::format("{}: {} waits for the device, none is allowed", name, cell(counts.synchronizations)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Counts what a training step asks of the GPU.");
  app.add_option("--batch", options.batch, "images in a step")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--image", options.image, "height and width of resnet18's images")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--net", options.net, "only this one");
  app.add_option("--precision", options.precision, "only this one");
  CLI11_PARSE(app, argc, argv);
  return train::run_program("training_steps", [&] {
    if (!cuda_is_available()) fail_no_cuda();
    set_factory_device(DeviceType::cuda);
    manual_seed(0);
    fmt::print(
        "| step | launches | copies | host waits | allocations from the driver |\n|---|---|---|---|---|\n");
    const auto chosen = [](const std::string& option, std::string_view name) {
      return option.empty() || option == name;
    };
    for (const Net& net : nets())
      for (const DType precision : {float32, bfloat16, float16})
        if (chosen(options.net, net.name) && chosen(options.precision, name_of(precision)))
          count(net, options, precision);
    return 0;
  });
}
