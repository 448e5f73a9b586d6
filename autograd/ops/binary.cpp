#include <kiln/kernels/elementwise/binary.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

using autograd::gradients;
using autograd::record;
using autograd::Saved;
using autograd::SavedOutput;
using autograd::Wanted;
using kernels::BinaryOp;
using kernels::Operand;

void compute(BinaryOp op, DType type, const Operand& a, const Operand& b, const Tensor& y,
             const Scalar& alpha = 1) {
  on(y.device(), [&](auto& ctx) { kernels::binary(ctx, op, type, a, b, y, alpha); });
}

// Integers divide, and take fractional powers, as float32.
DType floating(DType type) { return is_floating(type) ? type : float32; }

DType type_of(BinaryOp op, DType type) { return op == BinaryOp::div ? floating(type) : type; }

// The most frequent case, without any table: same type, same dense memory order, nothing to broadcast.
bool is_plain(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && is_floating(a.dtype()) &&
         a.strides() == b.strides() && a.device() == b.device() && a.layout().is_contiguous();
}

Tensor computed(const char* name, BinaryOp op, const Tensor& a, const Tensor& b, const Scalar& alpha = 1) {
  check_pair(name, a, b);
  if (is_plain(a, b)) {
    Tensor y = empty_dense(a.layout(), a.dtype(), a.device());
    compute(op, a.dtype(), a, b, y, alpha);
    return y;
  }
  const DType type = type_of(op, result_type(name, a, b));
  Tensor y = empty_dense(result_layout(name, a, b), type, a.device());
  compute(op, type, a, b, y, alpha);
  return y;
}

Tensor computed(const char* name, BinaryOp op, const Tensor& a, const Scalar& b) {
  check_defined(name, a);
  const DType type = type_of(op, result_type(name, a, b));
  const Tensor y = empty_dense(dense_like(a.layout()), type, a.device());
  compute(op, type, a, b, y);
  return y;
}

Tensor computed(const char* name, BinaryOp op, const Scalar& a, const Tensor& b) {
  check_defined(name, b);
  const DType type = type_of(op, result_type(name, b, a));
  const Tensor y = empty_dense(dense_like(b.layout()), type, b.device());
  compute(op, type, a, b, y);
  return y;
}

// What broadcasting and promotion did to an operand, undone for its gradient.
struct Origin {
  Shape shape;
  DType dtype;
  explicit Origin(const Tensor& x) : shape(x.shape()), dtype(x.dtype()) {}
  Tensor operator()(const Tensor& g) const { return sum_to(g, shape, dtype); }
};

bool recorded(const Tensor& a, const Tensor& b) { return autograd::detail::wants_record({a, b}); }

Tensor times(const Tensor& g, const Scalar& factor) { return factor.real() == 1 ? g : g * factor; }

Tensor scaled(const char* name, const Tensor& a, const Tensor& b, const Scalar& alpha, const Scalar& factor,
              BinaryOp plain) {
  if (alpha.real() == 1 && alpha.integer() == 1) return computed(name, plain, a, b);
  check_pair(name, a, b);
  const DType type = result_type(name, a, b);
  if (is_floating(alpha.dtype()) && !is_floating(type))
    fail("{}: alpha {} is fractional, the tensors are integral ({})", name, alpha.real(), type);
  return computed(name, BinaryOp::add_scaled, a, b, factor);
}

Scalar negative(const Scalar& x) {
  return is_floating(x.dtype()) ? Scalar(-x.real()) : Scalar(int64_t(0 - uint64_t(x.integer())));
}

Tensor record_sum(const char* name, const Tensor& a, const Tensor& b, Tensor y, const Scalar& factor) {
  if (!recorded(a, b)) return y;
  return record(name, {a, b}, y, [a = Origin(a), b = Origin(b), factor](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return a(g); }, [&] { return b(times(g, factor)); });
  });
}

// y = a op number, where dy/da = factor.
Tensor record_linear(const char* name, const Tensor& a, const Tensor& y, const Scalar& factor) {
  return record(name, {a}, y, [to = a.dtype(), factor](const Tensor& g) { return times(g, factor).to(to); });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  return record_sum("add", a, b, scaled("add", a, b, alpha, alpha, BinaryOp::add), alpha);
}

Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  refuse_bool_difference("sub", a);
  refuse_bool_difference("sub", b);
  const Scalar factor = negative(alpha);
  return record_sum("sub", a, b, scaled("sub", a, b, alpha, factor, BinaryOp::sub), factor);
}

Tensor mul(const Tensor& a, const Tensor& b) {
  const Tensor y = computed("mul", BinaryOp::mul, a, b);
  if (!recorded(a, b)) return y;
  return record(
      "mul", {a, b}, y,
      [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        return gradients(
            wanted, [&] { return to_a(g * b.get()); }, [&] { return to_b(g * a.get()); });
      });
}

Tensor div(const Tensor& a, const Tensor& b) {
  const Tensor y = computed("div", BinaryOp::div, a, b);
  if (!recorded(a, b)) return y;
  return record(
      "div", {a, b}, y,
      [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        const Tensor z = b.get();
        return gradients(
            wanted, [&] { return to_a(g / z); }, [&] { return to_b(-(g * (a.get() / z) / z)); });
      });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  const Tensor y = computed("maximum", BinaryOp::maximum, a, b);
  if (!recorded(a, b)) return y;
  return record(
      "maximum", {a, b}, y,
      [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        const Tensor x = a.get().detach(), z = b.get().detach();
        const Tensor shared = where(x == z, g / 2, g);
        return gradients(
            wanted, [&] { return to_a(masked_fill(shared, x < z, 0)); },
            [&] { return to_b(masked_fill(shared, x > z, 0)); });
      });
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  const Tensor y = computed("minimum", BinaryOp::minimum, a, b);
  if (!recorded(a, b)) return y;
  return record(
      "minimum", {a, b}, y,
      [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        const Tensor x = a.get().detach(), z = b.get().detach();
        const Tensor shared = where(x == z, g / 2, g);
        return gradients(
            wanted, [&] { return to_a(masked_fill(shared, x > z, 0)); },
            [&] { return to_b(masked_fill(shared, x < z, 0)); });
      });
}

Tensor floor_divide(const Tensor& a, const Tensor& b) {
  return computed("floor_divide", BinaryOp::floor_divide, a, b);
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  const Tensor y = computed("remainder", BinaryOp::remainder, a, b);
  if (!recorded(a, b)) return y;
  return record(
      "remainder", {a, b}, y,
      [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        return gradients(
            wanted, [&] { return to_a(g); },
            [&] { return to_b(-(g * floor_divide(a.get().detach(), b.get().detach()))); });
      });
}

Tensor add(const Tensor& a, const Scalar& b) {
  return record_linear("add", a, computed("add", BinaryOp::add, a, b), 1);
}
Tensor sub(const Tensor& a, const Scalar& b) {
  refuse_bool_difference("sub", a);
  return record_linear("sub", a, computed("sub", BinaryOp::sub, a, b), 1);
}
Tensor mul(const Tensor& a, const Scalar& b) {
  return record_linear("mul", a, computed("mul", BinaryOp::mul, a, b), b);
}
Tensor rsub(const Tensor& a, const Scalar& b) {
  refuse_bool_difference("rsub", a);
  return record_linear("rsub", a, computed("rsub", BinaryOp::sub, b, a), -1);
}
Tensor div(const Tensor& a, const Scalar& b) {
  const Tensor y = computed("div", BinaryOp::div, a, b);
  return record("div", {a}, y, [to = a.dtype(), b](const Tensor& g) { return (g / b).to(to); });
}
Tensor operator/(const Scalar& a, const Tensor& b) {
  const Tensor y = computed("div", BinaryOp::div, a, b);
  if (!autograd::detail::wants_record({b})) return y;
  return record("div", {b}, y, [a, b = Saved(b)](const Tensor& g) {
    const Tensor z = b.get();
    return (-(g * (a / z) / z)).to(z.dtype());
  });
}

Tensor pow(const Tensor& a, const Tensor& b) {
  if (autocast_enabled()) return in_float32([](const auto&... operands) { return pow(operands...); }, a, b);
  const Tensor y = computed("pow", BinaryOp::pow, a, b);
  if (!recorded(a, b)) return y;
  return record("pow", {a, b}, y,
                [y = SavedOutput(y), a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](
                    const Tensor& g, Wanted wanted) {
                  const Tensor x = a.get(), e = b.get();
                  return gradients(
                      wanted, [&] { return to_a(masked_fill(g * (e * pow(x, e - 1)), e == 0, 0)); },
                      // 0 to a power stays 0 (the logarithm is infinite there)
                      [&] {
                        const Tensor flat = logical_and(x == 0, e >= 0);
                        return to_b(g * masked_fill(y.get() * log(masked_fill(x, x == 0, 1)), flat, 0) +
                                    masked_fill(zeros_like(g), logical_and(x == 0, e < 0), -INFINITY));
                      });
                });
}

namespace {

// The powers that have a faster and more exact way.
std::optional<Tensor> special_power(const Tensor& a, double exponent) {
  if (exponent == 2) return square(a);
  if (!is_floating(a.dtype())) return {};
  if (exponent == 0.5) return sqrt(a);
  if (exponent == -1) return reciprocal(a);
  if (exponent == -0.5) return rsqrt(a);
  return {};
}

}  // namespace

Tensor pow(const Tensor& a, const Scalar& b) {
  if (autocast_enabled()) return in_float32([&](const Tensor& wide) { return pow(wide, b); }, a);
  check_defined("pow", a);
  if (!is_floating(a.dtype()) && !is_floating(b.dtype()) && b.integer() < 0)
    fail("pow: integers cannot be raised to the negative power {}; convert x to a floating dtype",
         b.integer());
  const bool same_type = a.dtype() == result_type("pow", a, b);
  if (same_type)
    if (const auto y = special_power(a, b.real())) return *y;
  const Tensor y = computed("pow", BinaryOp::pow, a, b);
  if (!autograd::detail::wants_record({a})) return y;
  return record("pow", {a}, y, [a = Saved(a), b](const Tensor& g) {
    if (b.real() == 0) return zeros_like(g);
    return g * (pow(a.get(), is_floating(b.dtype()) ? Scalar(b.real() - 1) : Scalar(b.integer() - 1)) * b);
  });
}

Tensor pow(const Scalar& a, const Tensor& b) {
  if (autocast_enabled()) return in_float32([&](const Tensor& wide) { return pow(a, wide); }, b);
  const Tensor y = computed("pow", BinaryOp::pow, a, b);
  if (!autograd::detail::wants_record({b})) return y;
  return record("pow", {b}, y, [y = SavedOutput(y), b = Saved(b), a](const Tensor& g) {
    if (a.real() == 0) return where(b.get() >= 0, zeros_like(g), full_like(g, -INFINITY) * g);
    return g * y.get() * std::log(a.real());
  });
}

}  // namespace kiln
