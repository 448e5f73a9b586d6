#include <kiln/kernels/softmax/losses.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/ops/class_targets.h>
#include <kiln/autograd/ops/found.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

namespace kiln {

using autograd::Gradients;
using autograd::gradients;
using autograd::record;
using autograd::Saved;
using autograd::Wanted;

namespace {

void check_loss(const char* op, const Tensor& x, const Tensor& target) {
  check_floating(op, x);
  check_defined(op, target, "target");
  if (target.device() != x.device())
    fail("{}: x is on {}, target on {}; move one with .to(device)", op, x.device(), target.device());
}

Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum ? sum(losses) : mean(losses);
}

// g * scale * (x - t), for a g of one element.
Tensor scaled_difference(const Tensor& x, const Tensor& t, const Tensor& g, double scale) {
  Tensor d = empty_like(x);
  on(x.device(), [&](auto& ctx) { kernels::scaled_difference(ctx, scale, x, t, g, d); });
  return record("mse_loss_backward", {x, t, g}, d,
                [x = Saved(x), t = Saved(t), g = Saved(g), scale](const Tensor& v, Wanted wanted) {
                  return gradients(
                      wanted, [&] { return mul(v, mul(g.get(), scale)); },
                      [&] { return mul(v, mul(g.get(), -scale)); },
                      [&] { return mul(sum(mul(v, sub(x.get(), t.get()))), scale); });
                });
}

// The usual case in one pass: same type, same dense memory order.
Tensor fused_mse_loss(const Tensor& x, const Tensor& target, double scale) {
  Tensor y = empty({}, {.dtype = x.dtype(), .device = x.device()});
  on(x.device(), [&](auto& ctx) { kernels::squared_error(ctx, scale, x, target, y); });
  return record("mse_loss", {x, target}, y,
                [x = Saved(x), t = Saved(target), scale](const Tensor& g, Wanted wanted) {
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

// log(1 + exp(-x)) without overflow.
Tensor log_of_one_plus_exp_minus(const Tensor& x) { return add(log1p(exp(neg(abs(x)))), relu(neg(x))); }

Tensor weighted(const Tensor& losses, const Tensor& weight) {
  return weight.defined() ? mul(losses, weight) : losses;
}

void check_bce(const char* op, const Tensor& x, const Tensor& target) {
  check_loss(op, x, target);
  if (target.shape() != x.shape())
    fail("{}: target {} must have x's shape {}", op, target.shape(), x.shape());
}

}  // namespace

Tensor nll_loss(const Tensor& x, const Tensor& target, const NllOptions& options) {
  if (autocast_enabled())
    return in_float32([&](const auto&... operands) { return nll_loss(operands..., options); }, x, target);
  check_floating("nll_loss", x);
  check_defined("nll_loss", target, "target");
  if (!is_integral(target.dtype()))
    fail("nll_loss: target must hold class indices (int64), it is {}", target.dtype());
  const ClassTargets targets("nll_loss", x, target, options.weight);
  const Tensor rows = targets.rows_of(x), classes = targets.flat(target);
  check_indices(classes, rows.size(1), options.ignore_index, [&] { return targets.not_a_class(); });
  const Tensor keep = ne(classes, options.ignore_index);
  const Tensor at = masked_fill(classes, logical_not(keep), 0);
  Tensor weight = to(keep, x.dtype());
  if (options.weight.defined())
    weight = mul(weight, index_select(converted(options.weight, x.dtype()), 0, at));
  // Ignored rows may hold infinities: chosen away, not multiplied by 0.
  const Tensor picked = masked_fill(squeeze(gather(rows, 1, unsqueeze(at, 1)), 1), logical_not(keep), 0);
  const Tensor losses = neg(mul(picked, weight));
  if (options.reduction == Reduction::none) return reshape(losses, target.shape());
  if (options.reduction == Reduction::sum) return sum(losses);
  return div(sum(losses), sum(weight));
}

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  if (autocast_enabled())
    return in_float32([&](const auto&... operands) { return mse_loss(operands..., reduction); }, x, target);
  check_loss("mse_loss", x, target);
  if (reduction != Reduction::none && fusable(x, target))
    return fused_mse_loss(x, target, reduction == Reduction::sum ? 1 : 1 / double(x.numel()));
  return reduced(square(sub(x, target)), reduction);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  if (autocast_enabled())
    return in_float32([&](const auto&... operands) { return l1_loss(operands..., reduction); }, x, target);
  check_loss("l1_loss", x, target);
  return reduced(abs(sub(x, target)), reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta, Reduction reduction) {
  if (autocast_enabled())
    return in_float32([&](const auto&... operands) { return smooth_l1_loss(operands..., beta, reduction); },
                      x, target);
  check_loss("smooth_l1_loss", x, target);
  if (!(beta >= 0)) fail("smooth_l1_loss: beta must not be negative, got {}", beta);
  if (beta == 0) return l1_loss(x, target, reduction);
  const Tensor distance = abs(sub(x, target));
  const Tensor near = mul(square(distance), 0.5 / beta), far = sub(distance, 0.5 * beta);
  return reduced(where(lt(distance, beta), near, far), reduction);
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const BceOptions& options) {
  if (autocast_enabled() && (x.dtype() == float16 || x.dtype() == bfloat16))
    fail(
        "binary_cross_entropy: probabilities in {} are too coarse for their logarithms; inside Autocast use "
        "binary_cross_entropy_with_logits, or put NoAutocast and a conversion to float32 around the sigmoid",
        x.dtype());
  if (autocast_enabled())
    return in_float32([&](const auto&... operands) { return binary_cross_entropy(operands..., options); }, x,
                      target);
  check_bce("binary_cross_entropy", x, target);
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
                  [x = Saved(x), t = Saved(target)](const Tensor& g, Wanted wanted) {
                    const Tensor p = x.get();
                    return gradients(
                        wanted,
                        [&] {
                          const Tensor spread = clamp(mul(p, rsub(p, 1)), 1e-12, {});
                          return mul(g, div(sub(p, t.get()), spread));
                        },
                        [&] { return mul(g, sub(clamp(log1p(neg(p)), -100, {}), clamp(log(p), -100, {}))); });
                  });
  return reduced(weighted(losses, options.weight), options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const BceOptions& options) {
  if (autocast_enabled())
    return in_float32(
        [&](const auto&... operands) { return binary_cross_entropy_with_logits(operands..., options); }, x,
        target);
  check_bce("binary_cross_entropy_with_logits", x, target);
  Tensor losses;
  {
    // -(p * t * log s(x) + (1 - t) * log(1 - s(x)))
    const NoGrad no_grad;
    const Tensor miss = log_of_one_plus_exp_minus(x);
    const Tensor factor =
        options.pos_weight.defined() ? add(mul(sub(options.pos_weight, 1), target), 1) : Tensor();
    losses = add(mul(rsub(target, 1), x), factor.defined() ? mul(factor, miss) : miss);
  }
  losses = record(
      "binary_cross_entropy_with_logits", {x, target}, losses,
      [x = Saved(x), t = Saved(target), p = Saved(options.pos_weight)](const Tensor& g, Wanted wanted) {
        const Tensor s = sigmoid(x.get()), positive = p.get();
        return gradients(
            wanted,
            [&] {
              const Tensor hit = positive.defined() ? mul(positive, t.get()) : t.get();
              const Tensor all = positive.defined() ? add(sub(hit, t.get()), 1) : Tensor();
              return mul(g, sub(all.defined() ? mul(all, s) : s, hit));
            },
            [&] {
              Tensor slope = neg(x.get());
              if (positive.defined())
                slope = add(slope, mul(sub(positive, 1), log_of_one_plus_exp_minus(x.get())));
              return mul(g, slope);
            });
      });
  return reduced(weighted(losses, options.weight), options.reduction);
}

}  // namespace kiln
