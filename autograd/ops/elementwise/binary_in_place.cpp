#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/kernels/elementwise/binary.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

using autograd::gradients;
using autograd::Op;
using autograd::Saved;
using autograd::Wanted;
using kernels::BinaryOp;

// The second operand, safe to read while x is written: when they share memory and a gradient or another
// element order needs its old values, a copy.
Tensor readable(Op& op, const Tensor& x, const Tensor& other) {
  if (!overlap(x, other)) return other;
  return op.records() || partly_overlap(x, other) ? other.clone() : other;
}

// What the gradient of b needs: x before it is written.
Tensor old_value(const Tensor& x, const Tensor& b) {
  return autograd::detail::wants_record({b}) ? x.clone() : Tensor();
}

DType type_of(BinaryOp which, DType type) {
  return which == BinaryOp::div && !is_floating(type) ? float32 : type;
}

// x = x op b after all checks.
void write(Op& op, BinaryOp which, const Tensor& x, const Tensor& b, const Scalar& alpha = 1) {
  const DType type = type_of(which, result_type(op.name(), x, b));
  if (is_floating(alpha.dtype()) && !is_floating(type) && double(alpha.integer()) != alpha.real())
    fail("{}: alpha {} is fractional, the tensors are integral ({})", op.name(), alpha.real(), type);
  const Shape shape = x.shape() == b.shape() ? x.shape() : broadcast_shapes(op.name(), x.shape(), b.shape());
  check_in_place_result(op.name(), x, type, shape);
  op.begin_write();
  on(x.device(), [&](auto& ctx) { kernels::binary(ctx, which, type, x, b, x, alpha); });
}

void write(Op& op, BinaryOp which, const Tensor& x, const Scalar& b) {
  op.attribute("b", b);
  const DType type = type_of(which, result_type(op.name(), x, b));
  check_in_place_result(op.name(), x, type, x.shape());
  op.begin_write();
  on(x.device(), [&](auto& ctx) { kernels::binary(ctx, which, type, x, b, x); });
}

void record_sum(Op& op, const Tensor& b, const Scalar& factor) {
  if (!op.records()) return op.written();
  op.record_write([b = Origin(b), factor](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return g; }, [&] { return b(factor.real() == 1 ? g : g * factor); });
  });
}

void record_linear(Op& op, const Scalar& factor) {
  if (!op.records()) return op.written();
  op.record_write([factor](const Tensor& g) { return factor.real() == 1 ? g : g * factor; });
}

Scalar negative(const Scalar& x) {
  return is_floating(x.dtype()) ? Scalar(-x.real()) : Scalar(int64_t(0 - uint64_t(x.integer())));
}

}  // namespace

const Tensor& Tensor::add_(const Tensor& other, const Scalar& alpha) const {
  Op op("add_");
  const Tensor &x = op.operand("x", *this), &given = op.operand("other", other);
  op.attribute("alpha", alpha);
  const Tensor b = readable(op, x, given);
  write(op, alpha.real() == 1 ? BinaryOp::add : BinaryOp::add_scaled, x, b, alpha);
  record_sum(op, b, alpha);
  return *this;
}

const Tensor& Tensor::sub_(const Tensor& other, const Scalar& alpha) const {
  Op op("sub_");
  const Tensor &x = op.operand("x", *this), &given = op.operand("other", other);
  op.attribute("alpha", alpha);
  refuse_bool_difference("sub_", x);
  refuse_bool_difference("sub_", given);
  const Tensor b = readable(op, x, given);
  if (alpha.real() == 1)
    write(op, BinaryOp::sub, x, b);
  else
    write(op, BinaryOp::add_scaled, x, b, negative(alpha));
  record_sum(op, b, negative(alpha));
  return *this;
}

const Tensor& Tensor::mul_(const Tensor& other) const {
  Op op("mul_");
  const Tensor &x = op.operand("x", *this), &given = op.operand("other", other);
  const Tensor b = readable(op, x, given), old = old_value(x, b);
  write(op, BinaryOp::mul, x, b);
  if (!op.records()) {
    op.written();
    return *this;
  }
  op.record_write([a = Saved(old), b = Saved(b), to = Origin(b)](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return g * b.get(); }, [&] { return to(g * a.get()); });
  });
  return *this;
}

const Tensor& Tensor::div_(const Tensor& other) const {
  Op op("div_");
  const Tensor &x = op.operand("x", *this), &given = op.operand("other", other);
  const Tensor b = readable(op, x, given), old = old_value(x, b);
  write(op, BinaryOp::div, x, b);
  if (!op.records()) {
    op.written();
    return *this;
  }
  op.record_write([a = Saved(old), b = Saved(b), to = Origin(b)](const Tensor& g, Wanted wanted) {
    const Tensor z = b.get();
    return gradients(
        wanted, [&] { return g / z; }, [&] { return to(-(g * (a.get() / z) / z)); });
  });
  return *this;
}

const Tensor& Tensor::add_(const Scalar& other) const {
  Op op("add_");
  write(op, BinaryOp::add, op.operand("x", *this), other);
  record_linear(op, 1);
  return *this;
}
const Tensor& Tensor::sub_(const Scalar& other) const {
  Op op("sub_");
  const Tensor& x = op.operand("x", *this);
  refuse_bool_difference("sub_", x);
  write(op, BinaryOp::sub, x, other);
  record_linear(op, 1);
  return *this;
}
const Tensor& Tensor::mul_(const Scalar& other) const {
  Op op("mul_");
  write(op, BinaryOp::mul, op.operand("x", *this), other);
  record_linear(op, other);
  return *this;
}
const Tensor& Tensor::div_(const Scalar& other) const {
  Op op("div_");
  write(op, BinaryOp::div, op.operand("x", *this), other);
  op.record_write([other](const Tensor& g) { return g / other; });
  return *this;
}

}  // namespace kiln
