#include <kiln/kernels/conv/cuda/conv2d_plan.h>

#include <algorithm>
#include <string>

#include <kiln/kernels/base/primitives.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/devices.h>

namespace kiln::kernels {
namespace {

using cudnn::Descriptor;

cudnnDataType_t type_of(int32_t dtype) {
  switch (DType(dtype)) {
    case float64:
      return CUDNN_DATA_DOUBLE;
    case float16:
      return CUDNN_DATA_HALF;
    case bfloat16:
      return CUDNN_DATA_BFLOAT16;
    default:
      return CUDNN_DATA_FLOAT;
  }
}

// The operation graph of a problem.
class Builder {
 public:
  explicit Builder(const ConvolutionProblem& problem)
      : problem_(problem),
        type_(type_of(problem.dtype)),
        compute_(type_ == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT) {}

  Descriptor graph(cudnnHandle_t handle) {
    const Conv2dGeometry& g = problem_.geometry;
    const Descriptor x = operand(kOperandX, {g.batch, g.channels, g.height, g.width}),
                     w = operand(kOperandW, {g.filters, g.channels / g.groups, g.kernel_h, g.kernel_w},
                                 MemoryFormat(problem_.weight_format)),
                     y = operand(kOperandY, y_sizes());
    switch (problem_.kind) {
      case ConvolutionKind::forward:
        forward(x, w, y);
        break;
      case ConvolutionKind::input_grad:
        add_convolution(
            CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
            {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
            {x, w, y}, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA);
        break;
      case ConvolutionKind::weight_grad:
        add_convolution(
            CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
            {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
            {x, w, y}, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA);
    }
    Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle)
        .set(CUDNN_ATTR_OPERATIONGRAPH_OPS, std::span<const Descriptor>(operations_));
    return graph.finalize();
  }

 private:
  struct Sizes {
    int64_t n, c, h, w;
  };
  Sizes y_sizes() const {
    const Conv2dGeometry& g = problem_.geometry;
    return {g.batch, g.filters, g.out_h, g.out_w};
  }

  // With the strides of a dense tensor, whatever its sizes: a dimension of 1 has one too.
  static Descriptor tensor(int64_t name, cudnnDataType_t type, int64_t alignment, const Sizes& s,
                           MemoryFormat format = MemoryFormat::channels_last) {
    Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, name)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment)
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, {s.n, s.c, s.h, s.w});
    if (format == MemoryFormat::channels_last)
      return tensor.set(CUDNN_ATTR_TENSOR_STRIDES, {s.h * s.w * s.c, 1, s.w * s.c, s.c});
    return tensor.set(CUDNN_ATTR_TENSOR_STRIDES, {s.c * s.h * s.w, s.h * s.w, s.w, 1});
  }
  Descriptor operand(int64_t name, const Sizes& sizes,
                     MemoryFormat format = MemoryFormat::channels_last) const {
    return tensor(name, type_, problem_.alignment, sizes, format).finalize();
  }
  // Between two operations: never in memory.
  Descriptor intermediate() {
    constexpr int64_t kAlignment = 16;
    return tensor(next_name_++, compute_, kAlignment, y_sizes())
        .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, true)
        .finalize();
  }

  void forward(const Descriptor& x, const Descriptor& w, const Descriptor& y) {
    const Descriptor product = problem_.has_bias ? intermediate() : y;
    add_convolution(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                    {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
                    {x, w, product}, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
    if (!problem_.has_bias) return;
    const Descriptor bias = operand(kOperandBias, {1, problem_.geometry.filters, 1, 1}),
                     sum = problem_.has_relu ? intermediate() : y;
    Descriptor add = pointwise(CUDNN_POINTWISE_ADD, product, sum);
    operations_.push_back(add.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, bias).finalize());
    if (problem_.has_relu) operations_.push_back(pointwise(CUDNN_POINTWISE_RELU_FWD, sum, y).finalize());
  }

  Descriptor pointwise(cudnnPointwiseMode_t mode, const Descriptor& from, const Descriptor& to) const {
    Descriptor function(CUDNN_BACKEND_POINTWISE_DESCRIPTOR),
        operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    function.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_PROPAGATE_NAN)
        .set(CUDNN_ATTR_POINTWISE_MODE, mode)
        .set(CUDNN_ATTR_POINTWISE_MATH_PREC, compute_)
        .finalize();
    return operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, from)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to);
  }

  Descriptor convolution() const {
    const Conv2dGeometry& g = problem_.geometry;
    Descriptor convolution(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    return convolution.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, compute_)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {g.padding_h, g.padding_w})
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {g.padding_h, g.padding_w})
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {g.stride_h, g.stride_w})
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, {g.dilation_h, g.dilation_w})
        .finalize();
  }

  struct Operands {
    const Descriptor &x, &w, &y;
  };
  struct Names {
    cudnnBackendAttributeName_t x, w, y;
  };
  void add_convolution(cudnnBackendDescriptorType_t type, cudnnBackendAttributeName_t description,
                       const Names& names, const Operands& operands, cudnnBackendAttributeName_t alpha,
                       cudnnBackendAttributeName_t beta) {
    Descriptor operation(type);
    operation.set(description, convolution())
        .set(names.x, operands.x)
        .set(names.w, operands.w)
        .set(names.y, operands.y);
    if (compute_ == CUDNN_DATA_DOUBLE)
      operation.set(alpha, 1.0).set(beta, 0.0);
    else
      operation.set(alpha, 1.0f).set(beta, 0.0f);
    operations_.push_back(operation.finalize());
  }

  const ConvolutionProblem& problem_;
  cudnnDataType_t type_, compute_;
  std::vector<Descriptor> operations_;
  int64_t next_name_ = kOperandBias + 1;
};

// What became of the engines that cuDNN proposed.
struct Refusals {
  int proposed = 0, tf32 = 0, reduced = 0, varying = 0, large = 0;
  int64_t least_workspace = INT64_MAX;
  std::string reason;  // cuDNN's own, the last one

  std::string text(const ConvolutionProblem& p) const {
    const size_t version = cudnnGetVersion();
    std::string text = fmt::format("cuDNN {}.{}.{} proposes {} engines", version / 10000, version / 100 % 100,
                                   version % 100, proposed);
    if (proposed == 0) text += ", so this device does not have this type or these sizes";
    if (tf32)
      text += fmt::format(", {} of them compute in TF32 (set_float32_matmul_precision allows it)", tf32);
    if (reduced) text += fmt::format(", {} sum in reduced precision", reduced);
    if (varying) text += fmt::format(", {} are not deterministic (ConvolutionOptions allows it)", varying);
    if (large)
      text += fmt::format(", {} need more than {} bytes of workspace, at least {} (ConvolutionOptions)",
                          large, p.workspace_bytes, least_workspace);
    return reason.empty() ? text : text + "; " + reason;
  }
};

// Whether an engine's numerics are what the problem allows.
bool is_allowed(const Descriptor& engine, const ConvolutionProblem& p, Refusals& refusals) {
  const auto notes = engine.get<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                             CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
  const auto has = [&](cudnnBackendNumericalNote_t note) {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  };
  const bool tf32 = DType(p.dtype) == float32 && !p.allow_tf32 &&
                    (has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS));
  const bool reduced = has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
  const bool varying = p.deterministic && has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
  refusals.tf32 += tf32;
  refusals.reduced += reduced;
  refusals.varying += varying;
  return !tf32 && !reduced && !varying;
}

std::vector<Descriptor> proposals(const Descriptor& graph, cudnnBackendHeurMode_t mode, Refusals& refusals) {
  constexpr int64_t kMost = 64;
  try {
    Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
        .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode)
        .finalize();
    return heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, kMost);
  } catch (const Error& error) {
    refusals.reason = error.what();
    return {};
  }
}

// Adds the plan of a configuration, or the reason why it is none.
void try_plan(cudnnHandle_t handle, const Descriptor& configuration, const ConvolutionProblem& problem,
              std::vector<ConvolutionPlan>& plans, Refusals& refusals) {
  try {
    ++refusals.proposed;
    const std::vector<Descriptor> engine =
        configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1);
    if (!is_allowed(engine.at(0), problem, refusals)) return;
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle)
        .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration)
        .finalize();
    note_primitive();
    const auto workspace = plan.get<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
    refusals.least_workspace = std::min(refusals.least_workspace, workspace);
    if (workspace > problem.workspace_bytes)
      ++refusals.large;
    else
      plans.push_back({plan, workspace});
  } catch (const Error& error) {
    refusals.reason = error.what();
  }
}

[[noreturn]] void fail_planning(const ConvolutionProblem& p, const std::string& why) {
  const Conv2dGeometry& g = p.geometry;
  fail(
      "{}: cuDNN has no plan for x {}, weight {}, stride ({}, {}), padding ({}, {}), dilation ({}, {}), "
      "groups {}, "
      "{}, on {}: {}",
      op_of(p), Shape{g.batch, g.channels, g.height, g.width},
      Shape{g.filters, g.channels / g.groups, g.kernel_h, g.kernel_w}, g.stride_h, g.stride_w, g.padding_h,
      g.padding_w, g.dilation_h, g.dilation_w, g.groups, DType(p.dtype),
      cuda::describe({DeviceType::cuda, p.device}), why);
}

}  // namespace

const char* op_of(const ConvolutionProblem& problem) {
  switch (problem.kind) {
    case ConvolutionKind::input_grad:
      return "conv2d_input_grad";
    case ConvolutionKind::weight_grad:
      return "conv2d_weight_grad";
    default:
      return "conv2d";
  }
}

std::vector<ConvolutionPlan> plan_convolution(cudnnHandle_t handle, const ConvolutionProblem& problem,
                                              size_t most) {
  std::vector<ConvolutionPlan> plans;
  Refusals refusals;
  try {
    const Descriptor graph = Builder(problem).graph(handle);
    for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
      for (const Descriptor& configuration : proposals(graph, mode, refusals)) {
        try_plan(handle, configuration, problem, plans, refusals);
        if (plans.size() == most) return plans;
      }
  } catch (const Error& error) {
    fail_planning(problem, error.what());
  }
  if (plans.empty()) fail_planning(problem, refusals.text(problem));
  return plans;
}

}  // namespace kiln::kernels
