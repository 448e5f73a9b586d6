#include <kiln/kernels/resample/resample.h>

#include <cmath>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/working_order.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using namespace autograd;
using kernels::ResampleGeometry, kernels::ResampleTable;

namespace {

// A table in the memory of a device.
struct Weights {
  int64_t in, out, taps;
  Tensor spans, weights;

  Weights(const ResampleTable& table, const Tensor& x) : in(table.in), out(table.out), taps(table.taps()) {
    std::vector<int32_t> span;
    std::vector<double> weight(size_t(out * taps), 0);
    for (size_t i = 0; i < table.rows.size(); ++i) {
      const ResampleTable::Row& row = table.rows[i];
      span.insert(span.end(), {row.begin, int32_t(row.weights.size())});
      std::copy(row.weights.begin(), row.weights.end(), weight.begin() + int64_t(i) * taps);
    }
    const NoGrad no_grad;
    spans = to(from_values(span, {out, 2}), x.device());
    weights = to(to(from_values(weight, {out, taps}), x.dtype() == float64 ? float64 : float32), x.device());
  }
};

// One side of x, and the way back.
struct Side {
  int dim;
  Weights forward, back;
  Side(int side, const ResampleTable& table, const Tensor& x)
      : dim(side), forward(table, x), back(table.transposed(), x) {}
};

ResampleGeometry geometry_of(const Shape& x, int dim, bool channels_last, const Weights& weights) {
  const int64_t before = channels_last ? x[0] : x[0] * x[1], channels = channels_last ? x[1] : 1;
  if (dim == 2) return {before, weights.in, weights.out, x[3] * channels, weights.taps};
  return {before * x[2], weights.in, weights.out, channels, weights.taps};
}

// Linear in x, and its gradient is the way back.
Tensor resampled(const char* name, const Tensor& input, const Side& side, bool backward) {
  Op op(name);
  const Tensor& x = op.operand("x", input);
  const Weights& weights = backward ? side.back : side.forward;
  const MemoryFormat order = working_order(x);
  TensorOptions options = like(x);
  options.memory_format = order;
  Shape shape = x.shape();
  shape[side.dim] = weights.out;
  const Tensor y = empty(shape, options);
  {
    const NoGrad no_grad;
    const Tensor in = contiguous(x, order);
    const auto geometry = geometry_of(x.shape(), side.dim, order == MemoryFormat::channels_last, weights);
    on(x.device(),
       [&](auto& ctx) { kernels::resample(ctx, geometry, in, weights.spans, weights.weights, y); });
  }
  return op.record(y, [side, backward](const Tensor& g) {
    return resampled(backward ? "resample" : "resample_backward", g, side, !backward);
  });
}

Pair size_of_result(const Tensor& x, const InterpolateOptions& options) {
  if (options.size.has_value() == options.scale_factor.has_value())
    fail("interpolate: needs either a size or a scale_factor, got {}", options.size ? "both" : "neither");
  const auto scaled = [&](int64_t side) {
    const double size = std::floor(double(side) * *options.scale_factor);
    return size >= 1 && size < 0x1p31 ? int64_t(size) : 0;
  };
  const Pair size = options.size ? *options.size : Pair(scaled(x.size(2)), scaled(x.size(3)));
  if (size.h < 1 || size.w < 1 || size.h > INT32_MAX || size.w > INT32_MAX)
    fail("interpolate: the sides of the result must be from 1 to {}, got ({}, {}) for x {}", INT32_MAX,
         size.h, size.w, x.shape());
  return size;
}

void check(const Tensor& x, const InterpolateOptions& options) {
  const bool nearest =
      options.mode == InterpolateMode::nearest || options.mode == InterpolateMode::nearest_exact;
  if (nearest && (options.align_corners || options.antialias))
    fail("interpolate: {} is for bilinear and bicubic only",
         options.antialias ? "antialias" : "align_corners");
  for (const int dim : {2, 3})
    if (x.size(dim) < 1 || x.size(dim) > INT32_MAX)
      fail("interpolate: x {} has no images to resample", x.shape());
}

}  // namespace

Tensor interpolate(const Tensor& input, const InterpolateOptions& options) {
  Op op("interpolate");
  const Tensor& x = op.operand("x", input, Kind::floating, {4, 4, "[N,C,H,W]"});
  check(x, options);
  const Pair size = size_of_result(x, options);
  op.attribute("size", size);
  op.attribute("mode", int64_t(options.mode));
  op.attribute("align_corners", options.align_corners);
  op.attribute("antialias", options.antialias);
  Shape shape = x.shape();
  shape[2] = size.h;
  shape[3] = size.w;
  numel(shape);
  const bool half = x.dtype() == float16 || x.dtype() == bfloat16;
  Tensor y = half ? to(x, float32) : x;  // rounded once, at the end
  for (const int dim : {3, 2}) {
    const int64_t in = x.size(dim), out = shape[dim];
    const double scale = options.scale_factor && !options.align_corners
                             ? 1 / *options.scale_factor
                             : kernels::resample_scale(in, out, options.align_corners);
    if (in == out && scale == 1) continue;
    const auto table = ResampleTable::of(options.mode, in, out, scale, options.align_corners,
                                         options.antialias, x.dtype() == float64);
    y = resampled("resample", y, Side(dim, table, y), false);
  }
  if (y.is_same(x)) return op.result(clone(x));
  return op.result(half ? to(y, x.dtype()) : y);
}

}  // namespace kiln
