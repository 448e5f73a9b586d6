#include <kiln/kernels/softmax/losses.h>

#include <atomic>
#include <optional>

#include <kiln/autograd/autocast.h>
#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/found.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/ops/reduce/reduction.h>
#include <kiln/autograd/ops/softmax/class_targets.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/warn.h>

namespace kiln {

using autograd::Gradients;
using autograd::gradients;
using autograd::Kind;
using autograd::Op;
using autograd::record;
using autograd::Saved;
using autograd::Wanted;

namespace {

// How a loss of float16 or bfloat16 is computed: in float32, where its squares and its sums have room.
template <class F>
std::optional<Tensor> from_wide(Op& op, const Tensor& x, const Tensor& target, const F& f) {
  const DType type = result_type(op.name(), x, target);
  if (type != float16 && type != bfloat16) return {};
  return op.result(to(f(to(x, float32), target.is_floating_point() ? to(target, float32) : target), type));
}

// PyTorch's warning, said once: such losses are nearly always a mistake of shapes.
void warn_of_broadcast(const char* op, const Tensor& x, const Tensor& target) {
  if (x.shape() == target.shape()) return;
  static std::atomic<bool> said = false;
  if (said.exchange(true)) return;
  warn("{}: the target has shape {}, which differs from x {}; they are broadcast, which is seldom meant", op,
       target.shape(), x.shape());
}

Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum ? sum(losses) : mean(losses);
}

// g * scale * (x - t), for a g of one element.
Tensor scaled_difference(const Tensor& input, const Tensor& target, const Tensor& gradient, double scale) {
  Op op("mse_loss_backward");
  const Tensor &x = op.operand("x", input), &t = op.operand("target", target), &g = op.operand("g", gradient);
  op.need_one_type();
  Tensor d = empty_like(x);
  on(x.device(), [&](auto& ctx) { kernels::scaled_difference(ctx, scale, x, t, g, d); });
  return op.record(d, [x = Saved(x), t = Saved(t), g = Saved(g), scale](const Tensor& v, Wanted wanted) {
    return gradients(
        wanted, [&] { return mul(v, mul(g.get(), scale)); }, [&] { return mul(v, mul(g.get(), -scale)); },
        [&] { return mul(sum(mul(v, sub(x.get(), t.get()))), scale); });
  });
}

// The usual case in one pass: same type, same dense memory order.
Tensor fused_mse_loss(Op& op, const Tensor& x, const Tensor& target, double scale) {
  Tensor y = empty({}, {.dtype = x.dtype(), .device = x.device()});
  on(x.device(), [&](auto& ctx) { kernels::squared_error(ctx, scale, x, target, y); });
  return op.record(y, [x = Saved(x), t = Saved(target), scale](const Tensor& g, Wanted wanted) {
    Gradients result(2);
    result[0] = scaled_difference(x.get(), t.get(), g, 2 * scale);
    if (wanted[1]) result[1] = neg(result[0]);
    return result;
  });
}

bool fusable(const Tensor& x, const Tensor& target) {
  return x.dtype() == target.dtype() && x.shape() == target.shape() &&
         ((x.is_contiguous() && target.is_contiguous()) ||
          (x.strides() == target.strides() && x.layout().is_dense()));
}

// log(1 + exp(x)) without overflow.
Tensor log_of_one_plus_exp(const Tensor& x) { return add(log1p(exp(neg(abs(x)))), relu(x)); }

// share * loss, where nothing of an infinite loss is nothing.
Tensor part_of(const Tensor& share, const Tensor& loss) {
  return masked_fill(mul(share, loss), eq(share, 0), 0);
}

Tensor weighted(const Tensor& losses, const Tensor& weight) {
  return weight.defined() ? mul(losses, weight) : losses;
}

void check_bce(const char* op, const Tensor& x, const Tensor& target) {
  if (target.shape() != x.shape())
    fail("{}: target {} must have x's shape {}", op, target.shape(), x.shape());
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& wanted, const NllOptions& options) {
  Op op("nll_loss");
  const Tensor& x = op.operand("x", input, Kind::floating);
  const Tensor& target = op.operand("target", wanted);
  op.optional("weight", options.weight, Kind::floating);
  op.attribute("ignore_index", options.ignore_index);
  op.attribute("reduction", name_of(options.reduction));
  if (!is_integral(target.dtype()))
    fail("nll_loss: target must hold class indices (int64), it is {}; convert it with .to(int64)",
         target.dtype());
  if (const auto y = from_wide(
          op, x, target, [&](const Tensor& wide, const Tensor& t) { return nll_loss(wide, t, options); }))
    return *y;
  const ClassTargets targets("nll_loss", x, target, options.weight);
  const Tensor rows = targets.rows_of(x), classes = targets.flat(target);
  check_indices(classes, rows.size(1), options.ignore_index, [&] { return targets.not_a_class(); });
  const Tensor keep = ne(classes, options.ignore_index);
  const Tensor at = masked_fill(classes, logical_not(keep), 0);
  Tensor weight = to(keep, x.dtype());
  if (options.weight.defined())
    weight = mul(weight, index_select(converted(options.weight.detach(), x.dtype()), 0, at));
  // Ignored rows may hold infinities: chosen away, not multiplied by 0.
  const Tensor picked = masked_fill(squeeze(gather(rows, 1, unsqueeze(at, 1)), 1), logical_not(keep), 0);
  const Tensor losses = neg(mul(picked, weight));
  if (options.reduction == Reduction::none) return op.result(reshape(losses, target.shape()));
  if (options.reduction == Reduction::sum) return op.result(sum(losses));
  return op.result(div(sum(losses), sum(weight)));
}

Tensor mse_loss(const Tensor& input, const Tensor& wanted, Reduction reduction) {
  Op op("mse_loss");
  const Tensor &x = op.operand("x", input, Kind::floating), &target = op.operand("target", wanted);
  op.attribute("reduction", name_of(reduction));
  warn_of_broadcast("mse_loss", x, target);
  if (const auto y = from_wide(
          op, x, target, [&](const Tensor& wide, const Tensor& t) { return mse_loss(wide, t, reduction); }))
    return *y;
  if (reduction != Reduction::none && fusable(x, target))
    return fused_mse_loss(op, x, target, reduction == Reduction::sum ? 1 : 1 / double(x.numel()));
  return op.result(reduced(square(sub(x, target)), reduction));
}

Tensor l1_loss(const Tensor& input, const Tensor& wanted, Reduction reduction) {
  Op op("l1_loss");
  const Tensor &x = op.operand("x", input, Kind::floating), &target = op.operand("target", wanted);
  op.attribute("reduction", name_of(reduction));
  warn_of_broadcast("l1_loss", x, target);
  if (const auto y = from_wide(
          op, x, target, [&](const Tensor& wide, const Tensor& t) { return l1_loss(wide, t, reduction); }))
    return *y;
  return op.result(reduced(abs(sub(x, target)), reduction));
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& wanted, double beta, Reduction reduction) {
  Op op("smooth_l1_loss");
  const Tensor &x = op.operand("x", input, Kind::floating), &target = op.operand("target", wanted);
  op.attribute("beta", beta);
  op.attribute("reduction", name_of(reduction));
  if (!(beta >= 0)) fail("smooth_l1_loss: beta must not be negative, got {}", beta);
  warn_of_broadcast("smooth_l1_loss", x, target);
  if (const auto y = from_wide(op, x, target, [&](const Tensor& wide, const Tensor& t) {
        return smooth_l1_loss(wide, t, beta, reduction);
      }))
    return *y;
  const Tensor distance = abs(sub(x, target));
  if (beta == 0) return op.result(reduced(distance, reduction));
  const Tensor near = mul(square(distance), 0.5 / beta), far = sub(distance, 0.5 * beta);
  return op.result(reduced(where(lt(distance, beta), near, far), reduction));
}

namespace {

constexpr double kLeastChance = 1e-12;

Tensor at_least_least(const Tensor& chance) { return clamp(chance, kLeastChance, {}); }

// The gradient of binary_cross_entropy's clamped logarithms for x, finite at 0 and 1, with one of its own.
Tensor bce_slope(const Tensor& g, const Tensor& x, const Tensor& target) {
  const auto slope = [](const Tensor& p, const Tensor& t) {
    return div(sub(p, t), at_least_least(mul(p, rsub(p, 1))));
  };
  Tensor y;
  {
    const NoGrad no_grad;
    y = mul(g, slope(x, target));
  }
  return record("binary_cross_entropy_backward", {g, x, target}, y,
                [g = Saved(g), x = Saved(x), t = Saved(target), slope](const Tensor& v, Wanted wants) {
                  const Tensor p = x.get(), q = rsub(p, 1);
                  return gradients(
                      wants, [&] { return mul(v, slope(p, t.get())); },
                      [&] {
                        return mul(mul(v, g.get()), add(div(t.get(), square(at_least_least(p))),
                                                        div(rsub(t.get(), 1), square(at_least_least(q)))));
                      },
                      [&] { return neg(div(mul(v, g.get()), at_least_least(mul(p, q)))); });
                });
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& wanted, const BceOptions& options) {
  if (autocast_enabled() && input.defined() && (input.dtype() == float16 || input.dtype() == bfloat16))
    fail(
        "binary_cross_entropy: probabilities in {} are too coarse for their logarithms; inside Autocast use "
        "binary_cross_entropy_with_logits, or put NoAutocast and a conversion to float32 around the sigmoid",
        input.dtype());
  Op op("binary_cross_entropy");
  const Tensor &x = op.operand("x", input, Kind::floating), &target = op.operand("target", wanted);
  op.optional("weight", options.weight);
  op.attribute("reduction", name_of(options.reduction));
  check_bce("binary_cross_entropy", x, target);
  if (const auto y = from_wide(op, x, target, [&](const Tensor& wide, const Tensor& t) {
        return binary_cross_entropy(wide, t, options);
      }))
    return *y;
  Tensor losses;
  {
    const NoGrad no_grad;
    const Tensor chances = contiguous(x);
    check_found(
        chances, 1, [&](auto& ctx, const char* late) { return kernels::find_improbable(ctx, chances, late); },
        [] {
          return std::string(
              "binary_cross_entropy: x must hold probabilities in 0 .. 1, element {at} is {real}");
        });
    const Tensor yes = clamp(log(x), -100, {}), no = clamp(log1p(neg(x)), -100, {});
    losses = neg(add(mul(target, yes), mul(rsub(target, 1), no)));
  }
  // The rule of the clamped logarithms, finite at 0 and 1.
  losses = record("binary_cross_entropy", {x, target}, losses,
                  [x = Saved(x), t = Saved(target)](const Tensor& g, Wanted wants) {
                    const Tensor p = x.get();
                    return gradients(
                        wants, [&] { return bce_slope(g, p, t.get()); },
                        [&] { return mul(g, sub(clamp(log1p(neg(p)), -100, {}), clamp(log(p), -100, {}))); });
                  });
  return op.result(reduced(weighted(losses, options.weight), options.reduction));
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& wanted,
                                        const BceOptions& options) {
  Op op("binary_cross_entropy_with_logits");
  const Tensor &x = op.operand("x", input, Kind::floating), &target = op.operand("target", wanted);
  op.optional("weight", options.weight);
  op.optional("pos_weight", options.pos_weight);
  op.attribute("reduction", name_of(options.reduction));
  check_bce("binary_cross_entropy_with_logits", x, target);
  if (const auto y = from_wide(op, x, target, [&](const Tensor& wide, const Tensor& t) {
        return binary_cross_entropy_with_logits(wide, t, options);
      }))
    return *y;
  Tensor losses;
  {
    // -(p * t * log s(x) + (1 - t) * log(1 - s(x)))
    const NoGrad no_grad;
    const Tensor hit = options.pos_weight.defined() ? mul(options.pos_weight, target) : target;
    losses = add(part_of(rsub(target, 1), log_of_one_plus_exp(x)), part_of(hit, log_of_one_plus_exp(neg(x))));
  }
  losses =
      record("binary_cross_entropy_with_logits", {x, target}, losses,
             [x = Saved(x), t = Saved(target), p = Saved(options.pos_weight)](const Tensor& g, Wanted wants) {
               const Tensor s = sigmoid(x.get()), positive = p.get();
               return gradients(
                   wants,
                   [&] {
                     const Tensor hit = positive.defined() ? mul(positive, t.get()) : t.get();
                     const Tensor all = positive.defined() ? add(sub(hit, t.get()), 1) : Tensor();
                     return mul(g, sub(all.defined() ? mul(all, s) : s, hit));
                   },
                   [&] {
                     Tensor slope = neg(x.get());
                     if (positive.defined())
                       slope = add(slope, mul(sub(positive, 1), log_of_one_plus_exp(neg(x.get()))));
                     return mul(g, slope);
                   });
             });
  return op.result(reduced(weighted(losses, options.weight), options.reduction));
}

}  // namespace kiln
