#include <fmt/format.h>
#include <functional>

#include <kiln/kiln.h>

#include "measure.h"
#include "report.h"

namespace kiln::benchmarks {
namespace {

struct Row {
  const char* name;
  double bytes;  // that must move
  std::function<void()> run;
};

constexpr double kF32 = 4, kBf16 = 2;

std::vector<Row> streaming_rows(int64_t n) {
  const Tensor a = randn({n}), b = randn({n}), half = a.to(bfloat16), other_half = b.to(bfloat16),
               t = randn({n / 4096, 4096});
  const double count = double(n);
  return {{"fill", count * kF32, [=] { b.fill_(1); }},
          {"clone", 2 * count * kF32, [=] { clone(a); }},
          {"add", 3 * count * kF32, [=] { add(a, b); }},
          {"add bfloat16", 3 * count * kBf16, [=] { add(half, other_half); }},
          {"add a row", 2 * count * kF32, [=] { add(t, t[0]); }},
          {"relu", 2 * count * kF32, [=] { relu(a); }},
          {"gelu", 2 * count * kF32, [=] { gelu(a); }},
          {"to bfloat16", count * (kF32 + kBf16), [=] { to(a, bfloat16); }},
          {"transpose", 2 * count * kF32, [=] { contiguous(t.t()); }},
          {"dropout", 2 * count * kF32, [=] { dropout(a); }},
          {"sum", count * kF32, [=] { sum(a); }},
          {"sum of rows", count * kF32, [=] { sum(t, 1); }},
          {"sum of columns", count * kF32, [=] { sum(t, 0); }},
          {"argmax of rows", count * kF32, [=] { argmax(t, 1); }},
          {"norm", count * kF32, [=] { norm(a); }},
          {"cumsum", 2 * count * kF32, [=] { cumsum(t, 1); }},
          {"softmax", 2 * count * kF32, [=] { softmax(t, 1); }},
          {"log_softmax", 2 * count * kF32, [=] { log_softmax(t, 1); }},
          {"layer_norm", 2 * count * kF32, [=] { layer_norm(t, {4096}); }}};
}

std::vector<Row> image_rows(int64_t batch, int64_t size) {
  const TensorOptions order = {.memory_format = MemoryFormat::channels_last};
  const Tensor x = randn({batch, 64, size, size}, order), weight = ones({64}), bias = zeros({64}),
               mean = zeros({64}), var = ones({64});
  const double bytes = double(x.numel()) * kF32;
  const auto bn = [=](bool training) {
    batch_norm(x, weight, bias, mean, var, {.training = training, .relu = true});
  };
  return {{"batch_norm + relu, training", 3 * bytes, [=] { bn(true); }},
          {"batch_norm + relu, inference", 2 * bytes, [=] { bn(false); }},
          {"max_pool2d 3x3/2", 1.25 * bytes, [=] { max_pool2d(x, 3, {.stride = 2, .padding = 1}); }},
          {"avg_pool2d 2x2", 1.25 * bytes, [=] { avg_pool2d(x, 2); }},
          {"adaptive_avg_pool2d to 1", bytes, [=] { adaptive_avg_pool2d(x, 1); }},
          {"to channels-first", 2 * bytes, [=] { contiguous(x); }}};
}

std::vector<Row> optimizer_rows(int64_t n) {
  const auto step = [n](auto make) {
    const Tensor p = zeros({n}).requires_grad_();
    p.set_grad(ones({n}));
    auto optimizer = make(p);
    return [p, optimizer] { optimizer->step(); };
  };
  const double count = double(n);
  return {{"SGD with momentum", 5 * count * kF32, step([](const Tensor& p) {
             return std::make_shared<optim::SGD>(Tensors{p}, optim::SGDOptions{.lr = 0.1, .momentum = 0.9});
           })},
          {"Adam", 7 * count * kF32, step([](const Tensor& p) {
             return std::make_shared<optim::Adam>(Tensors{p}, optim::AdamOptions{.lr = 0.1});
           })}};
}

}  // namespace

nlohmann::json kernel_report(const ReportOptions& options, double copy_bytes_per_second) {
  nlohmann::json report = nlohmann::json::array();
  const auto add_rows = [&](const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      const double seconds = measure(options.seconds, row.run).seconds;
      fmt::print(stderr, "{}: {:.0f} GB/s\n", row.name, row.bytes / seconds / 1e9);
      report.push_back({{"name", row.name},
                        {"bytes", row.bytes},
                        {"seconds", seconds},
                        {"bytes_per_second", row.bytes / seconds},
                        {"share_of_copy", row.bytes / seconds / copy_bytes_per_second}});
    }
  };
  const NoGrad no_grad;
  add_rows(streaming_rows(options.tiny ? 1 << 14 : 1 << 27));
  add_rows(image_rows(options.tiny ? 1 : 256, options.tiny ? 8 : 56));
  add_rows(optimizer_rows(options.tiny ? 1 << 12 : 1 << 26));
  return report;
}

}  // namespace kiln::benchmarks
