#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <kiln/kiln.h>
#include <kiln/tensor/device/context.h>

#include "report.h"

// Measures a GPU: bandwidth of copies, matrix products, kernels, training steps; prints JSON. `make gpu`
// calls it.

using namespace kiln;

int main(int argc, char** argv) {
  benchmarks::ReportOptions options;
  CLI::App app("Measures the CUDA backend on this machine's GPU; prints JSON.");
  app.add_flag("--tiny", options.tiny, "small sizes, to try the program itself");
  app.add_option("--seconds", options.seconds, "for each figure")->capture_default_str();
  bool no_training = false;
  app.add_flag("--no-training", no_training, "kernels alone");
  app.add_flag("--guessed-plans", options.guessed_plans,
               "convolutions by the plan that cuDNN guesses to be the fastest, as by default");
  CLI11_PARSE(app, argc, argv);
  if (options.tiny) options.seconds = 0;
  return train::run_program("gpu", [&] {
    if (!cuda_is_available()) fail_no_cuda();
    set_factory_device(DeviceType::cuda);
    manual_seed(0);
    nlohmann::json report;
    report["device"] = benchmarks::device_report();
    report["peak"] = benchmarks::peak_report(options);
    report["kernels"] = benchmarks::kernel_report(options, report["peak"]["bytes_per_second"]);
    if (!no_training) report["training"] = benchmarks::training_report(options);
    fmt::print("{}\n", report.dump(2));
    return 0;
  });
}
