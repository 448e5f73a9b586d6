#pragma once

#include <nlohmann/json.hpp>

// The parts of the report that `gpu` prints; scripts/gpu puts it beside the tests and PyTorch.

namespace kiln::benchmarks {

// tiny: sizes for a trial on the emulated device, where times mean nothing: each thing runs a few times.
struct ReportOptions {
  bool tiny = false;
  double seconds = 0.5;        // for each figure
  bool guessed_plans = false;  // convolutions take the plan that cuDNN guesses, not the fastest of some
};

// The device's name, memory and processors, versions of driver and libraries.
nlohmann::json device_report();
// "bytes_per_second" of a copy on the device (read and written), "flops" of a matrix product by type.
nlohmann::json peak_report(const ReportOptions&);
// Each kernel: bytes it must move, seconds, and its share of the copy's bandwidth.
nlohmann::json kernel_report(const ReportOptions&, double copy_bytes_per_second);
// Each net: images a second by precision, with and without a captured graph; launches and host time a step.
nlohmann::json training_report(const ReportOptions&);

}  // namespace kiln::benchmarks
