#include <fmt/format.h>
#include <functional>

#include <kiln/kiln.h>
#include <kiln/models/residual/resnet.h>
#include <kiln/tensor/cuda/graph.h>
#include <kiln/tensor/settings.h>

#include "measure.h"
#include "nets.h"
#include "report.h"
#include "training_step.h"

namespace kiln::benchmarks {
namespace {

struct Precision {
  const char* name;
  Float32Precision products;
  DType computed;
  bool deterministic = false;
};
constexpr Precision kPrecisions[] = {{"float32", Float32Precision::highest, float32},
                                     {"float32, deterministic", Float32Precision::highest, float32, true},
                                     {"tf32", Float32Precision::high, float32},
                                     {"bfloat16", Float32Precision::highest, bfloat16},
                                     {"bfloat16, deterministic", Float32Precision::highest, bfloat16, true}};

struct Row {
  const char* name;
  int64_t batch;
  std::function<std::function<void()>(int64_t batch, DType computed)> make;
};

std::vector<Row> rows(bool tiny) {
  std::vector<Row> rows = {{"fashion_mnist", 256,
                            [](int64_t batch, DType computed) {
                              return training_step(FashionNet(), {batch, 1, 28, 28}, 10, computed);
                            }},
                           {"cifar10", 256, [](int64_t batch, DType computed) {
                              return training_step(CifarNet(), {batch, 3, 32, 32}, 10, computed);
                            }}};
  if (tiny) return rows;
  rows.push_back({"resnet18", 128, [](int64_t batch, DType computed) {
                    return training_step(nn::models::resnet18(), {batch, 3, 224, 224}, 1000, computed);
                  }});
  rows.push_back({"resnet50", 64, [](int64_t batch, DType computed) {
                    return training_step(nn::models::resnet50(), {batch, 3, 224, 224}, 1000, computed);
                  }});
  return rows;
}

}  // namespace

nlohmann::json training_report(const ReportOptions& options) {
  const cuda::ConvolutionOptions usual = cuda::convolution_options();
  nlohmann::json report = nlohmann::json::array();
  for (const Row& row : rows(options.tiny)) {
    const int64_t batch = options.tiny ? 2 : row.batch;
    for (const Precision& precision : kPrecisions) {
      set_float32_matmul_precision(precision.products);
      cuda::set_convolution_options(
          {.deterministic = precision.deterministic, .benchmark = !options.guessed_plans});
      const std::function<void()> step = row.make(batch, precision.computed);
      const auto add = [&](const Measured& measured, bool graph, int64_t launches) {
        report.push_back({{"net", row.name},
                          {"batch", batch},
                          {"precision", precision.name},
                          {"graph", graph},
                          {"images_per_second", double(batch) / measured.seconds},
                          {"seconds", measured.seconds},
                          {"host_seconds", measured.host_seconds},
                          {"launches", launches}});
      };
      const Measured eager = measure(options.seconds, step);
      cuda::Graph graph;
      graph.capture(step);
      const Measured replayed = measure(options.seconds, [&] { graph.replay(); });
      add(eager, false, graph.size());
      add(replayed, true, 1);
      fmt::print(stderr, "{}, {}: {:.0f} images/s, {:.0f} as a graph\n", row.name, precision.name,
                 double(batch) / eager.seconds, double(batch) / replayed.seconds);
    }
  }
  set_float32_matmul_precision(Float32Precision::highest);
  cuda::set_convolution_options(usual);
  return report;
}

}  // namespace kiln::benchmarks
