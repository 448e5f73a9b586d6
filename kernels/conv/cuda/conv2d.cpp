#include <kiln/kernels/conv/conv2d.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <limits>
#include <unordered_map>

#include <kiln/kernels/base/byte_key.h>
#include <kiln/kernels/base/lease.h>
#include <kiln/kernels/conv/cuda/conv2d_plan.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/elementwise/fill.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/cuda/stream.h>
#include <kiln/tensor/dtype/dtype.h>
#include <kiln/tensor/settings.h>
#include <kiln/kernels/base/cuda/scratch.cuh>

namespace kiln::kernels {
namespace {

using Scratch = DeviceScratch<std::byte>;

// Pointers to the operands of a plan; their gradients go by the same names.
struct Operands {
  void *x, *weight, *y, *bias = nullptr;
  MemoryFormat weight_format;
  bool relu = false;
};

int32_t alignment(const Operands& o) {
  constexpr uintptr_t kMost = 16;  // more gains nothing
  uintptr_t bits = kMost;
  for (const void* p : {o.x, o.weight, o.y, o.bias}) bits |= reinterpret_cast<uintptr_t>(p);
  return int32_t(uintptr_t(1) << std::countr_zero(bits));
}

bool is_capturing(const CudaContext& ctx) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  CUDA_CHECK(cudaStreamIsCapturing(ctx.stream, &status));
  return status != cudaStreamCaptureStatusNone;
}

ConvolutionProblem problem_of(const CudaContext& ctx, ConvolutionKind kind, const Conv2dGeometry& geometry,
                              DType dtype, const Operands& operands) {
  const cuda::ConvolutionOptions options = cuda::convolution_options();
  return {.geometry = geometry,
          .kind = kind,
          .dtype = int32_t(dtype),
          .device = ctx.device.index,
          .alignment = alignment(operands),
          .has_bias = operands.bias != nullptr,
          .has_relu = operands.relu,
          .allow_tf32 = dtype == float32 && float32_matmul_precision() != Float32Precision::highest,
          .deterministic = options.deterministic,
          .measured = options.benchmark,
          .weight_format = int32_t(operands.weight_format),
          .workspace_bytes = options.workspace_bytes};
}

void execute(const CudaContext& ctx, cudnnHandle_t handle, const ConvolutionProblem& problem,
             const ConvolutionPlan& plan, const Operands& o) {
  const Scratch workspace(ctx, plan.workspace_bytes);
  const int64_t names[] = {kOperandX, kOperandW, kOperandY, kOperandBias};
  void* const pointers[] = {o.x, o.weight, o.y, o.bias};
  const size_t count = problem.has_bias ? 4 : 3;
  cudnn::Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::span(names, count))
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::span(pointers, count))
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, static_cast<void*>(workspace.data()))
      .finalize();
  cuda::note_launch(op_of(problem));
  cudnn::check(cudnnBackendExecute(handle, plan.plan.raw(), pack.raw()), op_of(problem));
  cuda::check_launch(cudaSuccess, op_of(problem), ctx.stream);
}

// The plan that is fastest on these operands, which it fills with the result. One that fails is no candidate.
const ConvolutionPlan& fastest(const CudaContext& ctx, cudnnHandle_t handle,
                               const ConvolutionProblem& problem, const std::vector<ConvolutionPlan>& plans,
                               const Operands& operands) {
  constexpr int kRuns = 3;  // the best of them; one more comes before, in which the kernels are loaded
  const ConvolutionPlan* best = nullptr;
  double least = std::numeric_limits<double>::infinity();
  cuda::Event start(true), end(true);
  for (const ConvolutionPlan& plan : plans) {
    try {
      double milliseconds = std::numeric_limits<double>::infinity();
      execute(ctx, handle, problem, plan, operands);
      for (int run = 0; run < kRuns; ++run) {
        start.record(cuda::Stream::current(ctx.device));
        execute(ctx, handle, problem, plan, operands);
        end.record(cuda::Stream::current(ctx.device));
        end.synchronize();
        milliseconds = std::min<double>(milliseconds, end.milliseconds_since(start));
      }
      if (milliseconds < least) {
        least = milliseconds;
        best = &plan;
      }
    } catch (const Error&) {
      if (best == nullptr && &plan == &plans.back()) throw;
    }
  }
  return *best;
}

// A handle, and the plans that were made with it.
struct Planner {
  using Plans = std::unordered_map<ConvolutionProblem, ConvolutionPlan, HashBytes, EqualBytes>;
  static constexpr size_t kMostPlans = 1024;  // geometries; then it starts afresh
  cudnn::Handle handle;
  Plans plans;
};

// Never destroyed: the driver may be gone by then.
Leases<Planner>& planners(Device device) {
  static auto* all = new std::array<Leases<Planner>, cuda::kMaxDevices>;
  return (*all)[size_t(device.index)];
}

void convolve(const CudaContext& ctx, ConvolutionKind kind, const Conv2dGeometry& geometry, DType dtype,
              const Operands& operands) {
  ConvolutionProblem problem = problem_of(ctx, kind, geometry, dtype, operands);
  const auto planner = planners(ctx.device).take();
  const cudnnHandle_t handle = planner->handle.on(ctx);
  Planner::Plans& plans = planner->plans;
  if (plans.size() >= Planner::kMostPlans) plans.clear();
  auto found = plans.find(problem);
  if (found == plans.end() && problem.measured && is_capturing(ctx)) {  // nothing can be measured now
    problem.measured = false;
    found = plans.find(problem);
  }
  if (found == plans.end()) {
    constexpr size_t kMeasured = 8;
    const auto offered = plan_convolution(handle, problem, problem.measured ? kMeasured : 1);
    const ConvolutionPlan& chosen =
        offered.size() == 1 ? offered.front() : fastest(ctx, handle, problem, offered, operands);
    found = plans.emplace(problem, chosen).first;
  }
  execute(ctx, handle, problem, found->second, operands);
}

// A weight in an order that plans know, row-major or channels-last: itself, or memory for a copy.
class OrderedWeight {
 public:
  OrderedWeight(const CudaContext& ctx, const TensorView& weight)
      : weight_(weight),
        ordered_(weight),
        layout_(Layout::contiguous(weight.shape(), MemoryFormat::channels_last)),
        is_ordered_(weight.layout->is_channels_last() || weight.layout->is_contiguous()),
        memory_(ctx, is_ordered_ ? 0 : weight.numel() * size_of(weight.dtype)) {
    if (is_ordered_) return;
    ordered_.data = memory_.data();
    ordered_.layout = &layout_;
  }
  void* data() const { return ordered_.data; }
  MemoryFormat format() const {
    return ordered_.layout->is_channels_last() ? MemoryFormat::channels_last : MemoryFormat::contiguous;
  }
  void read(CudaContext& ctx) const {
    if (!is_ordered_) copy(ctx, weight_, ordered_);
  }
  void write(CudaContext& ctx) const {
    if (!is_ordered_) copy(ctx, ordered_, weight_);
  }

 private:
  TensorView weight_, ordered_;
  Layout layout_;
  bool is_ordered_;
  Scratch memory_;
};

}  // namespace

bool conv2d_computes(CudaContext&, DType dtype) { return is_floating(dtype); }

void conv2d_forward(CudaContext& ctx, const Conv2dGeometry& geometry, TensorView x, TensorView weight,
                    TensorView bias, bool relu, TensorView y) {
  if (geometry.batch == 0) return;
  const OrderedWeight ordered(ctx, weight);
  ordered.read(ctx);
  // cuDNN has relu after a bias in all its engines, without one in few: zeros then.
  const int64_t zero_bytes = relu && !bias.defined() ? geometry.filters * size_of(x.dtype) : 0;
  const Scratch zeros(ctx, zero_bytes);
  if (zero_bytes > 0) CUDA_CHECK(cudaMemsetAsync(zeros.data(), 0, size_t(zero_bytes), ctx.stream));
  void* const offsets = zero_bytes > 0 ? zeros.data() : bias.data;
  convolve(ctx, ConvolutionKind::forward, geometry, x.dtype,
           {x.data, ordered.data(), y.data, offsets, ordered.format(), relu});
}

void conv2d_input_grad(CudaContext& ctx, const Conv2dGeometry& geometry, TensorView g, TensorView weight,
                       TensorView dx) {
  if (geometry.batch == 0) return;
  const OrderedWeight ordered(ctx, weight);
  ordered.read(ctx);
  convolve(ctx, ConvolutionKind::input_grad, geometry, g.dtype,
           {dx.data, ordered.data(), g.data, nullptr, ordered.format()});
}

void conv2d_weight_grad(CudaContext& ctx, const Conv2dGeometry& geometry, TensorView g, TensorView x,
                        TensorView dw) {
  if (geometry.batch == 0) return fill(ctx, 0, dw);
  const OrderedWeight ordered(ctx, dw);
  convolve(ctx, ConvolutionKind::weight_grad, geometry, g.dtype,
           {x.data, ordered.data(), g.data, nullptr, ordered.format()});
  ordered.write(ctx);
}

}  // namespace kiln::kernels
