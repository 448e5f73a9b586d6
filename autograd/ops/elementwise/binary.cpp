#include <kiln/kernels/elementwise/binary.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

using autograd::gradients;
using autograd::Op;
using autograd::Saved;
using autograd::SavedOutput;
using autograd::Wanted;
using kernels::BinaryOp;
using kernels::Operand;

void compute(BinaryOp which, DType type, const Operand& a, const Operand& b, const Tensor& y,
             const Scalar& alpha = 1) {
  on(y.device(), [&](auto& ctx) { kernels::binary(ctx, which, type, a, b, y, alpha); });
}

// Integers divide, and take fractional powers, as float32.
DType floating(DType type) { return is_floating(type) ? type : float32; }

DType type_of(BinaryOp op, DType type) { return op == BinaryOp::div ? floating(type) : type; }

// The most frequent case, without any table: same type, same dense memory order, nothing to broadcast.
bool is_plain(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && is_floating(a.dtype()) &&
         a.strides() == b.strides() && a.device() == b.device() && a.layout().is_contiguous();
}

Tensor computed(const Op& op, BinaryOp which, const Tensor& a, const Tensor& b, const Scalar& alpha = 1) {
  if (is_plain(a, b)) {
    Tensor y = empty_dense(a.layout(), a.dtype(), a.device());
    compute(which, a.dtype(), a, b, y, alpha);
    return y;
  }
  const DType type = type_of(which, result_type(op.name(), a, b));
  Tensor y = empty_dense(result_layout(op.name(), a, b), type, a.device());
  compute(which, type, a, b, y, alpha);
  return y;
}

Tensor computed(const Op& op, BinaryOp which, const Tensor& a, const Scalar& b) {
  const DType type = type_of(which, result_type(op.name(), a, b));
  const Tensor y = empty_dense(dense_like(a.layout()), type, a.device());
  compute(which, type, a, b, y);
  return y;
}

Tensor computed(const Op& op, BinaryOp which, const Scalar& a, const Tensor& b) {
  const DType type = type_of(which, result_type(op.name(), b, a));
  const Tensor y = empty_dense(dense_like(b.layout()), type, b.device());
  compute(which, type, a, b, y);
  return y;
}

Tensor times(const Tensor& g, const Scalar& factor) { return factor.real() == 1 ? g : g * factor; }

Tensor scaled(const Op& op, const Tensor& a, const Tensor& b, const Scalar& alpha, const Scalar& factor,
              BinaryOp plain) {
  if (alpha.real() == 1 && alpha.integer() == 1) return computed(op, plain, a, b);
  const DType type = result_type(op.name(), a, b);
  if (is_floating(alpha.dtype()) && !is_floating(type))
    fail("{}: alpha {} is fractional, the tensors are integral ({})", op.name(), alpha.real(), type);
  return computed(op, BinaryOp::add_scaled, a, b, factor);
}

Scalar negative(const Scalar& x) {
  return is_floating(x.dtype()) ? Scalar(-x.real()) : Scalar(int64_t(0 - uint64_t(x.integer())));
}

Tensor record_sum(Op& op, const Tensor& a, const Tensor& b, Tensor y, const Scalar& factor) {
  if (!op.records()) return op.result(std::move(y));
  return op.record(std::move(y), [a = Origin(a), b = Origin(b), factor](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return a(g); }, [&] { return b(times(g, factor)); });
  });
}

// y = a op number, where dy/da = factor.
Tensor record_linear(Op& op, const Tensor& a, const Tensor& y, const Scalar& factor) {
  return op.record(y, [to = a.dtype(), factor](const Tensor& g) { return times(g, factor).to(to); });
}

}  // namespace

Tensor add(const Tensor& left, const Tensor& right, const Scalar& alpha) {
  Op op("add");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  op.attribute("alpha", alpha);
  return record_sum(op, a, b, scaled(op, a, b, alpha, alpha, BinaryOp::add), alpha);
}

Tensor sub(const Tensor& left, const Tensor& right, const Scalar& alpha) {
  Op op("sub");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  op.attribute("alpha", alpha);
  refuse_bool_difference("sub", a);
  refuse_bool_difference("sub", b);
  const Scalar factor = negative(alpha);
  return record_sum(op, a, b, scaled(op, a, b, alpha, factor, BinaryOp::sub), factor);
}

Tensor mul(const Tensor& left, const Tensor& right) {
  Op op("mul");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  const Tensor y = computed(op, BinaryOp::mul, a, b);
  if (!op.records()) return op.result(y);
  return op.record(
      y, [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        return gradients(
            wanted, [&] { return to_a(g * b.get()); }, [&] { return to_b(g * a.get()); });
      });
}

Tensor div(const Tensor& left, const Tensor& right) {
  Op op("div");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  const Tensor y = computed(op, BinaryOp::div, a, b);
  if (!op.records()) return op.result(y);
  return op.record(
      y, [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        const Tensor z = b.get();
        return gradients(
            wanted, [&] { return to_a(g / z); }, [&] { return to_b(-(g * (a.get() / z) / z)); });
      });
}

Tensor maximum(const Tensor& left, const Tensor& right) {
  Op op("maximum");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  const Tensor y = computed(op, BinaryOp::maximum, a, b);
  if (!op.records()) return op.result(y);
  return op.record(
      y, [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        const Tensor x = a.get().detach(), z = b.get().detach();
        const Tensor shared = where(x == z, g / 2, g);
        return gradients(
            wanted, [&] { return to_a(masked_fill(shared, x < z, 0)); },
            [&] { return to_b(masked_fill(shared, x > z, 0)); });
      });
}

Tensor minimum(const Tensor& left, const Tensor& right) {
  Op op("minimum");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  const Tensor y = computed(op, BinaryOp::minimum, a, b);
  if (!op.records()) return op.result(y);
  return op.record(
      y, [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        const Tensor x = a.get().detach(), z = b.get().detach();
        const Tensor shared = where(x == z, g / 2, g);
        return gradients(
            wanted, [&] { return to_a(masked_fill(shared, x > z, 0)); },
            [&] { return to_b(masked_fill(shared, x < z, 0)); });
      });
}

Tensor floor_divide(const Tensor& left, const Tensor& right) {
  Op op("floor_divide");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  return op.result(computed(op, BinaryOp::floor_divide, a, b));
}

Tensor remainder(const Tensor& left, const Tensor& right) {
  Op op("remainder");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  const Tensor y = computed(op, BinaryOp::remainder, a, b);
  if (!op.records()) return op.result(y);
  return op.record(
      y, [a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](const Tensor& g, Wanted wanted) {
        return gradients(
            wanted, [&] { return to_a(g); },
            [&] { return to_b(-(g * floor_divide(a.get().detach(), b.get().detach()))); });
      });
}

Tensor floor_divide(const Tensor& a, const Scalar& b) { return floor_divide(a, number_like(b, a)); }
Tensor remainder(const Tensor& a, const Scalar& b) { return remainder(a, number_like(b, a)); }

Tensor add(const Tensor& left, const Scalar& b) {
  Op op("add");
  const Tensor& a = op.operand("a", left);
  op.attribute("b", b);
  return record_linear(op, a, computed(op, BinaryOp::add, a, b), 1);
}
Tensor sub(const Tensor& left, const Scalar& b) {
  Op op("sub");
  const Tensor& a = op.operand("a", left);
  op.attribute("b", b);
  refuse_bool_difference("sub", a);
  return record_linear(op, a, computed(op, BinaryOp::sub, a, b), 1);
}
Tensor mul(const Tensor& left, const Scalar& b) {
  Op op("mul");
  const Tensor& a = op.operand("a", left);
  op.attribute("b", b);
  return record_linear(op, a, computed(op, BinaryOp::mul, a, b), b);
}
Tensor rsub(const Tensor& left, const Scalar& b) {
  Op op("rsub");
  const Tensor& a = op.operand("a", left);
  op.attribute("b", b);
  refuse_bool_difference("rsub", a);
  return record_linear(op, a, computed(op, BinaryOp::sub, b, a), -1);
}
Tensor div(const Tensor& left, const Scalar& b) {
  Op op("div");
  const Tensor& a = op.operand("a", left);
  op.attribute("b", b);
  const Tensor y = computed(op, BinaryOp::div, a, b);
  return op.record(y, [to = a.dtype(), b](const Tensor& g) { return (g / b).to(to); });
}
Tensor operator/(const Scalar& a, const Tensor& right) {
  Op op("rdiv");
  const Tensor& b = op.operand("b", right);
  op.attribute("a", a);
  const Tensor y = computed(op, BinaryOp::div, a, b);
  if (!op.records()) return op.result(y);
  return op.record(y, [a, b = Saved(b)](const Tensor& g) {
    const Tensor z = b.get();
    return (-(g * (a / z) / z)).to(z.dtype());
  });
}

Tensor pow(const Tensor& base, const Tensor& exponent) {
  Op op("pow");
  const Tensor &a = op.operand("a", base), &b = op.operand("b", exponent);
  const Tensor y = computed(op, BinaryOp::pow, a, b);
  if (!op.records()) return op.result(y);
  return op.record(y, [y = SavedOutput(y), a = Saved(a), b = Saved(b), to_a = Origin(a), to_b = Origin(b)](
                          const Tensor& g, Wanted wanted) {
    const Tensor x = a.get(), e = b.get();
    return gradients(
        wanted, [&] { return to_a(masked_fill(g * (e * pow(x, e - 1)), e == 0, 0)); },
        // 0 to a power stays 0, and so does its slope; below, the power is infinite and falls without end.
        [&] {
          const Tensor slope = masked_fill(y.get() * log(masked_fill(x, x == 0, 1)), x == 0, 0);
          return to_b(g * masked_fill(slope, logical_and(x == 0, e < 0), -INFINITY));
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

Tensor pow(const Tensor& base, const Scalar& b) {
  Op op("pow");
  const Tensor& a = op.operand("a", base);
  op.attribute("b", b);
  if (!is_floating(a.dtype()) && !is_floating(b.dtype()) && b.integer() < 0)
    fail("pow: integers cannot be raised to the negative power {}; convert x to a floating dtype",
         b.integer());
  const bool same_type = a.dtype() == result_type("pow", a, b);
  if (same_type)
    if (const auto y = special_power(a, b.real())) return op.result(*y);
  const Tensor y = computed(op, BinaryOp::pow, a, b);
  if (!op.records()) return op.result(y);
  return op.record(y, [a = Saved(a), b](const Tensor& g) {
    if (b.real() == 0) return zeros_like(g);
    return g * (pow(a.get(), is_floating(b.dtype()) ? Scalar(b.real() - 1) : Scalar(b.integer() - 1)) * b);
  });
}

Tensor pow(const Scalar& a, const Tensor& exponent) {
  Op op("pow");
  const Tensor& b = op.operand("b", exponent);
  op.attribute("a", a);
  const Tensor y = computed(op, BinaryOp::pow, a, b);
  if (!op.records()) return op.result(y);
  return op.record(y, [y = SavedOutput(y), b = Saved(b), a](const Tensor& g) {
    if (a.real() == 0) return g * masked_fill(zeros_like(g), b.get() < 0, -INFINITY);
    return g * y.get() * std::log(a.real());
  });
}

}  // namespace kiln
