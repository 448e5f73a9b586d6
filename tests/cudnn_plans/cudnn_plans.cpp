#include <algorithm>
#include <chrono>
#include <cstdio>

#include <CLI/CLI.hpp>

#include <kiln/kernels/conv/cuda/conv2d_plan.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/settings.h>

#include "emulated_gpu/cudnn/model.h"
#include "nets.h"

// Plans every convolution that Kiln gives to cuDNN, with the real library, for GPUs that are not there.
// Prints planned / total for each GPU, and each graph for which there is no plan, with the reason.

using namespace kiln;
using kernels::Conv2dGeometry, kernels::ConvolutionKind, kernels::ConvolutionProblem;

namespace {

struct Graph {
  const char* name;
  ConvolutionKind kind;
  bool has_bias, has_relu;
};
const Graph kGraphs[] = {{"forward", ConvolutionKind::forward, false, false},
                         {"forward + bias", ConvolutionKind::forward, true, false},
                         {"forward + bias + relu", ConvolutionKind::forward, true, true},
                         {"input gradient", ConvolutionKind::input_grad, false, false},
                         {"weight gradient", ConvolutionKind::weight_grad, false, false}};

struct Type {
  const char* name;
  DType dtype;
  bool allow_tf32;
};
const Type kTypes[] = {{"float32", float32, false},
                       {"TF32", float32, true},
                       {"float16", float16, false},
                       {"bfloat16", bfloat16, false},
                       {"float64", float64, false}};

ConvolutionProblem problem_of(const Conv2dGeometry& layer, const Graph& graph, const Type& type,
                              MemoryFormat weight_format) {
  constexpr int32_t kAlignment = 16;
  return {.geometry = layer,
          .kind = graph.kind,
          .dtype = int32_t(type.dtype),
          .device = 0,
          .alignment = kAlignment,
          .has_bias = graph.has_bias,
          .has_relu = graph.has_relu,
          .allow_tf32 = type.allow_tf32,
          .deterministic = true,
          .measured = 0,
          .weight_format = int32_t(weight_format),
          .workspace_bytes = cuda::ConvolutionOptions{}.workspace_bytes};
}

// Each graph with the weight in both orders of memory.
std::vector<std::pair<Graph, MemoryFormat>> all_graphs() {
  std::vector<std::pair<Graph, MemoryFormat>> graphs;
  for (const Graph& graph : kGraphs)
    for (const MemoryFormat format : {MemoryFormat::contiguous, MemoryFormat::channels_last})
      graphs.emplace_back(graph, format);
  return graphs;
}

struct Count {
  int planned = 0, total = 0;
};

Count plan_all(const std::vector<Net>& nets, const char* type_name, const std::string& model) {
  kernels::cudnn::Handle owner;
  const cudnnHandle_t handle = owner.on(CudaContext::current());
  Count count;
  for (const Type& type : kTypes) {
    if (type.name != std::string_view(type_name)) continue;
    for (const Net& net : nets)
      for (const Conv2dGeometry& layer : net.layers)
        for (const auto& [graph, format] : all_graphs()) {
          ++count.total;
          try {
            kernels::plan_convolution(handle, problem_of(layer, graph, type, format), 1);
            ++count.planned;
          } catch (const Error& error) {
            fmt::print("miss: {}, {}, {} in {}: {}\n", model, net.name, graph.name, type.name, error.what());
          }
        }
  }
  return count;
}

int run(const std::vector<std::string>& wanted, const std::vector<std::string>& models, int64_t batch) {
  std::vector<Net> nets = all_nets(batch);
  std::erase_if(nets, [&](const Net& net) {
    return !wanted.empty() && std::find(wanted.begin(), wanted.end(), net.name) == wanted.end();
  });
  if (nets.empty()) fail("cudnn_plans: no net of that name");
  fmt::print("cuDNN {}, batches of {}, {} graphs of each layer\n", cudnnGetVersion(), batch,
             all_graphs().size());
  for (const Net& net : nets) fmt::print("  {}: {} different layers\n", net.name, net.layers.size());
  int missed = 0;
  for (const std::string& model : models) {
    emulated::set_model(model);
    const auto start = std::chrono::steady_clock::now();
    Count sum;
    std::string parts;
    for (const Type& type : kTypes) {
      const Count count = plan_all(nets, type.name, model);
      sum.planned += count.planned;
      sum.total += count.total;
      parts += fmt::format("{}{} {}/{}", parts.empty() ? "" : ", ", type.name, count.planned, count.total);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("{}: {} / {} planned ({}), {:.1f} s\n", model, sum.planned, sum.total, parts, seconds.count());
    missed += sum.total - sum.planned;
  }
  return missed > 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> nets, models{"a100", "h100", "b200", "rtx5090"};
  int64_t batch = 32;
  CLI::App app("Plans the convolutions of well-known networks with cuDNN, without a GPU");
  app.add_option("nets", nets, "alexnet, resnet18, ...; all of them by default");
  app.add_option("--models", models, "GPUs, as described in tests/emulated_gpu/cudnn/models")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--batch", batch, "images");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(nets, models, batch);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
