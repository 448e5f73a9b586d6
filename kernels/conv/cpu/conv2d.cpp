#include <kiln/kernels/conv/conv2d.h>

#include <kiln/kernels/base/cpu/onednn.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/kernels/conv/cpu/conv2d_depthwise.h>
#include <kiln/kernels/conv/cpu/conv2d_direct.h>
#include <kiln/kernels/elementwise/unary.h>

namespace kiln::kernels {
namespace {

using onednn::memory, onednn::Plan;
using Scratch = cpu::Scratch<std::byte>;

struct ConvKey {
  Conv2dGeometry geometry;
  int64_t weight_strides[4];
  int32_t dtype, has_bias;
  int64_t threads;
};

// The convolution, and the change of layout between the weights and what it reads or writes (oneDNN's
// choice); none when they agree.
struct ConvPlan {
  Plan convolution, reorder;
  int64_t packed_bytes = 0;
};

ConvKey key_of(const CpuContext& ctx, const Conv2dGeometry& geometry, const TensorView& weight,
               bool has_bias) {
  const Strides& s = weight.layout->strides;
  return {geometry, {s[0], s[1], s[2], s[3]}, int32_t(weight.dtype), has_bias, ctx.threads};
}

memory::desc channels_last(int64_t n, int64_t c, int64_t h, int64_t w, DType dtype) {
  return onednn::describe({n, c, h, w}, dtype, {h * w * c, 1, w * c, c});
}

// The descriptions from which the three primitives of one geometry are made.
struct Descriptions {
  DType dtype;
  memory::desc x, y, bias, weight, any_weight;
  memory::dims strides, dilates, padding_before, padding_after;

  explicit Descriptions(const ConvKey& key) : dtype(DType(key.dtype)) {
    const Conv2dGeometry& g = key.geometry;
    const int64_t* s = key.weight_strides;
    const int64_t filters = g.filters / g.groups, channels = g.channels / g.groups;
    x = channels_last(g.batch, g.channels, g.height, g.width, dtype);
    y = channels_last(g.batch, g.filters, g.out_h, g.out_w, dtype);
    bias = onednn::describe({g.filters}, dtype, {1});
    if (g.groups == 1)
      weight = onednn::describe({filters, channels, g.kernel_h, g.kernel_w}, dtype, {s[0], s[1], s[2], s[3]});
    else
      weight = onednn::describe({g.groups, filters, channels, g.kernel_h, g.kernel_w}, dtype,
                                {filters * s[0], s[0], s[1], s[2], s[3]});
    any_weight = memory::desc(weight.dims(), onednn::data_type_of(dtype), memory::format_tag::any);
    strides = {g.stride_h, g.stride_w};
    dilates = {g.dilation_h - 1, g.dilation_w - 1};
    padding_before = {g.padding_h, g.padding_w};
    // oneDNN wants the padding that is used: a stride may not reach the last rows.
    padding_after = {
        (g.out_h - 1) * g.stride_h + g.dilation_h * (g.kernel_h - 1) + 1 - g.height - g.padding_h,
        (g.out_w - 1) * g.stride_w + g.dilation_w * (g.kernel_w - 1) + 1 - g.width - g.padding_w};
  }

  dnnl::convolution_forward::primitive_desc forward(bool has_bias) const {
    using Forward = dnnl::convolution_forward;
    constexpr auto kind = dnnl::prop_kind::forward_training;
    constexpr auto algorithm = dnnl::algorithm::convolution_direct;
    const auto description = has_bias ? Forward::desc(kind, algorithm, x, any_weight, bias, y, strides,
                                                      dilates, padding_before, padding_after)
                                      : Forward::desc(kind, algorithm, x, any_weight, y, strides, dilates,
                                                      padding_before, padding_after);
    return Forward::primitive_desc(description, onednn::user_scratchpad(), onednn::engine());
  }
};

// Adds to a plan whose convolution sees the weights as `packed` the reorder to or from their own layout.
void add_reorder(ConvPlan& plan, const memory::desc& weight, const memory::desc& packed, bool to_packed) {
  if (packed == weight) return;
  const memory::desc &from = to_packed ? weight : packed, &to = to_packed ? packed : weight;
  const dnnl::reorder::primitive_desc description(onednn::engine(), from, onednn::engine(), to,
                                                  onednn::user_scratchpad());
  plan.packed_bytes = int64_t(packed.get_size());
  plan.reorder = Plan(dnnl::reorder(description), description, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

ConvPlan make_forward(const ConvKey& key) {
  const Descriptions d(key);
  const auto description = d.forward(key.has_bias);
  const dnnl::convolution_forward primitive(description);
  const memory::desc packed = description.weights_desc();
  ConvPlan plan;
  if (key.has_bias)
    plan.convolution =
        Plan(primitive, description,
             {{DNNL_ARG_SRC, d.x}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_BIAS, d.bias}, {DNNL_ARG_DST, d.y}});
  else
    plan.convolution =
        Plan(primitive, description, {{DNNL_ARG_SRC, d.x}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_DST, d.y}});
  add_reorder(plan, d.weight, packed, true);
  return plan;
}

ConvPlan make_input_grad(const ConvKey& key) {
  using Backward = dnnl::convolution_backward_data;
  const Descriptions d(key);
  const Backward::primitive_desc description(
      Backward::desc(dnnl::algorithm::convolution_direct, d.x, d.any_weight, d.y, d.strides, d.dilates,
                     d.padding_before, d.padding_after),
      onednn::user_scratchpad(), onednn::engine(), d.forward(false));
  const memory::desc packed = description.weights_desc();
  ConvPlan plan;
  plan.convolution = Plan(Backward(description), description,
                          {{DNNL_ARG_DIFF_DST, d.y}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_DIFF_SRC, d.x}});
  add_reorder(plan, d.weight, packed, true);
  return plan;
}

ConvPlan make_weight_grad(const ConvKey& key) {
  using Backward = dnnl::convolution_backward_weights;
  const Descriptions d(key);
  const Backward::primitive_desc description(
      Backward::desc(dnnl::algorithm::convolution_direct, d.x, d.any_weight, d.y, d.strides, d.dilates,
                     d.padding_before, d.padding_after),
      onednn::user_scratchpad(), onednn::engine(), d.forward(false));
  const memory::desc packed = description.diff_weights_desc();
  ConvPlan plan;
  plan.convolution = Plan(Backward(description), description,
                          {{DNNL_ARG_DIFF_DST, d.y}, {DNNL_ARG_SRC, d.x}, {DNNL_ARG_DIFF_WEIGHTS, packed}});
  add_reorder(plan, d.weight, packed, false);
  return plan;
}

template <class Make>
std::shared_ptr<const ConvPlan> plan_of(const char* op, CpuContext& ctx, const ConvKey& key, Make make) {
  return onednn::cached(op, key, [&](const ConvKey& fresh) {
    const onednn::ThreadsScope threads(ctx);
    return make(fresh);
  });
}

// Weights in the convolution's layout: a copy in scratch memory, or they themselves.
void* packed_weight(CpuContext& ctx, const ConvPlan& plan, const TensorView& weight, const Scratch& scratch) {
  if (!plan.reorder) return weight.data;
  plan.reorder.run(ctx, {weight.data, scratch.data()});
  return scratch.data();
}

void forward(CpuContext& ctx, const Conv2dGeometry& geometry, const TensorView& x, const TensorView& weight,
             const TensorView& bias, const TensorView& y) {
  if (x.dtype == DType::float64) return conv2d_direct_forward(ctx, geometry, x, weight, bias, y);
  const ConvKey key = key_of(ctx, geometry, weight, bias.defined());
  const auto plan = plan_of("conv2d", ctx, key, [](const ConvKey& k) { return make_forward(k); });
  const Scratch scratch(plan->packed_bytes);
  void* packed = packed_weight(ctx, *plan, weight, scratch);
  if (bias.defined())
    plan->convolution.run(ctx, {x.data, packed, bias.data, y.data});
  else
    plan->convolution.run(ctx, {x.data, packed, y.data});
}

}  // namespace

bool conv2d_computes(CpuContext&, DType dtype) {
  if (dtype == DType::bfloat16) return onednn::multiplies_bfloat16();
  return dtype == DType::float32 || dtype == DType::float64;
}

void conv2d_forward(CpuContext& ctx, const Conv2dGeometry& geometry, TensorView x, TensorView weight,
                    TensorView bias, bool relu, TensorView y) {
  if (geometry.batch == 0) return;
  forward(ctx, geometry, x, weight, bias, y);
  // Not within oneDNN's convolution, whose relu turns NaN into 0.
  if (relu) unary(ctx, UnaryOp::relu, {}, y, y);
}

void conv2d_input_grad(CpuContext& ctx, const Conv2dGeometry& geometry, TensorView g, TensorView weight,
                       TensorView dx) {
  if (geometry.batch == 0) return;
  if (g.dtype == DType::float64) return conv2d_direct_input_grad(ctx, geometry, g, weight, dx);
  const ConvKey key = key_of(ctx, geometry, weight, false);
  const auto plan =
      plan_of("conv2d_input_grad", ctx, key, [](const ConvKey& k) { return make_input_grad(k); });
  const Scratch scratch(plan->packed_bytes);
  plan->convolution.run(ctx, {g.data, packed_weight(ctx, *plan, weight, scratch), dx.data});
}

void conv2d_weight_grad(CpuContext& ctx, const Conv2dGeometry& geometry, TensorView g, TensorView x,
                        TensorView dw) {
  if (g.dtype == DType::float64 || geometry.batch == 0)
    return conv2d_direct_weight_grad(ctx, geometry, g, x, dw);
  if (conv2d_is_depthwise(geometry, g.dtype)) return conv2d_depthwise_weight_grad(ctx, geometry, g, x, dw);
  const ConvKey key = key_of(ctx, geometry, dw, false);
  const auto plan =
      plan_of("conv2d_weight_grad", ctx, key, [](const ConvKey& k) { return make_weight_grad(k); });
  if (!plan->reorder) return plan->convolution.run(ctx, {g.data, x.data, dw.data});
  const Scratch packed(plan->packed_bytes);
  plan->convolution.run(ctx, {g.data, x.data, packed.data()});
  plan->reorder.run(ctx, {packed.data(), dw.data});
}

}  // namespace kiln::kernels
