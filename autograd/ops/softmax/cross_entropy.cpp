#include <kiln/kernels/softmax/cross_entropy.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/found.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/ops/reduce/reduction.h>
#include <kiln/autograd/ops/softmax/class_targets.h>
#include <kiln/autograd/ops/softmax/softmax.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using autograd::gradients;
using autograd::Kind;
using autograd::Op;
using autograd::Saved;
using autograd::Wanted;
using kernels::CrossEntropyGeometry;

namespace {

// What forward and backward share.
struct Rows {
  CrossEntropyGeometry geometry;
  Saved target;     // [rows]
  Tensor weight;    // of the type that x accumulates in, as are the next two; or undefined
  Tensor log_sums;  // [rows]
  Tensor total;     // []
  bool g_per_row;
};

// How much of a row's softmax is in its gradient: v[t] * (1 - s) + s / classes * sum of v, or 0 for ignored
// rows.
Tensor row_factors(const Rows& rows, DType dtype) {
  const auto& [count, classes, ignore_index, smoothing, mean] = rows.geometry;
  const Tensor target = rows.target.get(), keep = ne(target, ignore_index);
  const TensorOptions options{.dtype = rows.total.dtype(), .device = target.device()};
  Tensor hit = ones({count}, options), sum_weights = full({}, double(classes), options);
  if (rows.weight.defined()) {
    hit = index_select(rows.weight, 0, masked_fill(target, logical_not(keep), 0));
    sum_weights = sum(rows.weight);
  }
  const Tensor factor = add(mul(hit, 1 - smoothing), mul(sum_weights, smoothing / double(classes)));
  return to(div(mul(factor, to(keep, factor.dtype())), rows.total), dtype);
}

// The gradient of the loss of x [rows, classes], an op itself.
Tensor cross_entropy_backward(const Tensor& scores, const Tensor& gradient, const Rows& rows) {
  Op op("cross_entropy_backward");
  const Tensor &x = op.operand("x", scores), &g = op.operand("g", gradient);
  op.need_one_type();
  Tensor dx = empty(x.shape(), like(x));
  on(x.device(), [&](auto& ctx) {
    kernels::cross_entropy_backward(ctx, rows.geometry, x, rows.target.get(), rows.weight, rows.log_sums,
                                    rows.total, g, rows.g_per_row, dx);
  });
  return op.record(dx, [x = Saved(x), g = Saved(g), rows](const Tensor& v, Wanted wanted) {
    return gradients(
        wanted,
        [&] {
          const Tensor scale = mul(g.get(), row_factors(rows, v.dtype()));
          return softmax_backward(softmax(x.get(), 1), mul(v, unsqueeze(scale, 1)), 1);
        },
        [&] {
          const Tensor slope = mul(v, cross_entropy_backward(x.get(), ones_like(g.get()), rows));
          return rows.g_per_row ? sum(slope, {1}) : sum(slope);
        });
  });
}

// x [rows, classes] dense, target [rows].
Tensor loss_of_rows(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options,
                    const ClassTargets& targets) {
  Rows rows{.geometry = {.rows = x.size(0),
                         .classes = x.size(1),
                         .ignore_index = options.ignore_index,
                         .smoothing = options.label_smoothing,
                         .mean = options.reduction == Reduction::mean},
            .target = Saved(target),
            .g_per_row = options.reduction == Reduction::none};
  const TensorOptions wide{.dtype = x.dtype() == float64 ? float64 : float32, .device = x.device()};
  if (options.weight.defined()) rows.weight = contiguous(converted(options.weight, wide.dtype));
  rows.log_sums = empty({rows.geometry.rows}, wide);
  rows.total = empty({}, wide);
  const Tensor losses = empty({rows.geometry.rows}, wide);
  check_found(
      target, x.size(1) - 1,
      [&](auto& ctx, const char* late) {
        return kernels::cross_entropy(ctx, rows.geometry, x, target, rows.weight, losses, rows.log_sums,
                                      rows.total, late);
      },
      [&] { return targets.not_a_class(); });
  Tensor y = rows.g_per_row ? losses : sum(losses);
  if (rows.geometry.mean) y = div(y, rows.total);
  return autograd::record(
      "cross_entropy", {x}, converted(y, x.dtype()),
      [x = Saved(x), rows](const Tensor& g) { return cross_entropy_backward(x.get(), contiguous(g), rows); });
}

Tensor loss_of_probabilities(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options) {
  if (target.shape() != x.shape())
    fail(
        "cross_entropy: a {} target holds class probabilities and needs x's shape {}, it has {}; class "
        "indices "
        "are int64, convert them with .to(int64)",
        target.dtype(), x.shape(), target.shape());
  const int dim = x.dim() == 1 ? 0 : 1;
  const int64_t classes = x.size(dim);
  Tensor wanted = target;
  if (options.label_smoothing > 0)
    wanted = add(mul(target, 1 - options.label_smoothing), options.label_smoothing / double(classes));
  Tensor losses = mul(wanted, log_softmax(x, dim));
  if (options.weight.defined()) {
    Shape shape = Shape::filled(x.dim(), 1);
    shape[dim] = classes;
    losses = mul(losses, reshape(options.weight, shape));
  }
  if (options.reduction == Reduction::none) return neg(sum(losses, {dim}));
  const Tensor total = neg(sum(losses));
  return options.reduction == Reduction::sum ? total : div(total, double(x.numel()) / double(classes));
}

}  // namespace

Tensor cross_entropy(const Tensor& input, const Tensor& wanted, const CrossEntropyOptions& options) {
  Op op("cross_entropy");
  const Tensor& x = op.operand("x", input, Kind::floating);
  const Tensor& target = op.operand("target", wanted);
  op.optional("weight", options.weight, Kind::floating);
  op.attribute("ignore_index", options.ignore_index);
  op.attribute("label_smoothing", options.label_smoothing);
  op.attribute("reduction", name_of(options.reduction));
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    fail("cross_entropy: label_smoothing must be in 0 .. 1, got {}", options.label_smoothing);
  const ClassTargets targets("cross_entropy", x, target, options.weight);
  if (target.is_floating_point()) return op.result(loss_of_probabilities(x, target, options));
  const Tensor loss = loss_of_rows(targets.rows_of(x), targets.flat(target), options, targets);
  return op.result(options.reduction == Reduction::none ? reshape(loss, target.shape()) : loss);
}

}  // namespace kiln
