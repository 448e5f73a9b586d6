#include <functional>
#include <memory>

#include <kiln/kernels/precision.h>
#include <kiln/kiln.h>
#include <kiln/nn/models/resnet.h>
#include <kiln/tensor/cuda/graph.h>

#include "measure.h"
#include "nets.h"
#include "report.h"

namespace kiln::benchmarks {
namespace {

struct Precision {
  const char* name;
  Float32Precision products;
  bool autocast;
};
constexpr Precision kPrecisions[] = {{"float32", Float32Precision::highest, false},
                                     {"tf32", Float32Precision::high, false},
                                     {"bfloat16", Float32Precision::highest, true}};

// One step of training on random images; model, optimiser and data live in it.
template <class Net>
std::function<void()> step_of(Net made, const Shape& images, int64_t classes, bool autocast) {
  auto net = std::make_shared<Net>(std::move(made));
  auto optimizer =
      std::make_shared<optim::SGD>(net->parameters(), optim::SGDOptions{.lr = 1e-3, .momentum = 0.9});
  const Tensor x = randn(images, {.memory_format = MemoryFormat::channels_last}),
               y = randint(0, classes, {images[0]});
  return [=] {
    optimizer->zero_grad();
    Tensor loss;
    {
      const Autocast amp(bfloat16, autocast);
      loss = cross_entropy((*net)(x), y);
    }
    loss.backward();
    optimizer->step();
  };
}

struct Row {
  const char* name;
  int64_t batch;
  std::function<std::function<void()>(int64_t batch, bool autocast)> make;
};

std::vector<Row> rows(bool tiny) {
  std::vector<Row> rows = {{"fashion_mnist", 256,
                            [](int64_t batch, bool amp) {
                              return step_of(FashionNet(), {batch, 1, 28, 28}, 10, amp);
                            }},
                           {"cifar10", 256, [](int64_t batch, bool amp) {
                              return step_of(CifarNet(), {batch, 3, 32, 32}, 10, amp);
                            }}};
  if (tiny) return rows;
  rows.push_back({"resnet18", 128, [](int64_t batch, bool amp) {
                    return step_of(nn::models::resnet18(), {batch, 3, 224, 224}, 1000, amp);
                  }});
  rows.push_back({"resnet50", 64, [](int64_t batch, bool amp) {
                    return step_of(nn::models::resnet50(), {batch, 3, 224, 224}, 1000, amp);
                  }});
  return rows;
}

}  // namespace

nlohmann::json training_report(const ReportOptions& options) {
  nlohmann::json report = nlohmann::json::array();
  for (const Row& row : rows(options.tiny)) {
    const int64_t batch = options.tiny ? 2 : row.batch;
    for (const Precision& precision : kPrecisions) {
      set_float32_matmul_precision(precision.products);
      const std::function<void()> step = row.make(batch, precision.autocast);
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
    }
  }
  set_float32_matmul_precision(Float32Precision::highest);
  return report;
}

}  // namespace kiln::benchmarks
