#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/kernels/elementwise/binary.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

using autograd::gradients;
using autograd::record_in_place;
using autograd::Saved;
using autograd::Wanted;
using kernels::BinaryOp;

bool recorded(const Tensor& x, const Tensor& other) { return autograd::detail::wants_record({x, other}); }

// The second operand, safe to read while x is written: when they share memory and a gradient or another
// element order needs its old values, a copy.
Tensor readable(const Tensor& x, const Tensor& other) {
  if (!overlap(x, other)) return other;
  return recorded(x, other) || partly_overlap(x, other) ? other.clone() : other;
}

// What the gradient of b needs: x before it is written.
Tensor old_value(const Tensor& x, const Tensor& b) {
  return autograd::detail::wants_record({b}) ? x.clone() : Tensor();
}

// x = x op b after all checks.
void write(const char* name, BinaryOp op, const Tensor& x, const Tensor& b, const Scalar& alpha = 1) {
  check_pair(name, x, b);
  DType type = result_type(name, x, b);
  if (op == BinaryOp::div && !is_floating(type)) type = float32;
  if (is_floating(alpha.dtype()) && !is_floating(type) && double(alpha.integer()) != alpha.real())
    fail("{}: alpha {} is fractional, the tensors are integral ({})", name, alpha.real(), type);
  const Shape shape = x.shape() == b.shape() ? x.shape() : broadcast_shapes(name, x.shape(), b.shape());
  check_in_place_result(name, x, type, shape);
  autograd::begin_in_place(name, x);
  on(x.device(), [&](auto& ctx) { kernels::binary(ctx, op, type, x, b, x, alpha); });
}

void write(const char* name, BinaryOp op, const Tensor& x, const Scalar& b) {
  check_defined(name, x);
  DType type = result_type(name, x, b);
  if (op == BinaryOp::div && !is_floating(type)) type = float32;
  check_in_place_result(name, x, type, x.shape());
  autograd::begin_in_place(name, x);
  on(x.device(), [&](auto& ctx) { kernels::binary(ctx, op, type, x, b, x); });
}

struct Origin {
  Shape shape;
  DType dtype;
  explicit Origin(const Tensor& x) : shape(x.shape()), dtype(x.dtype()) {}
  Tensor operator()(const Tensor& g) const { return sum_to(g, shape, dtype); }
};

void record_sum(const char* name, const Tensor& x, const Tensor& b, const Scalar& factor) {
  if (!recorded(x, b)) return;
  record_in_place(name, x, {x, b}, [b = Origin(b), factor](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return g; }, [&] { return b(factor.real() == 1 ? g : g * factor); });
  });
}

void record_linear(const char* name, const Tensor& x, const Scalar& factor) {
  if (!autograd::detail::wants_record({x})) return;
  record_in_place(name, x, {x}, [factor](const Tensor& g) { return factor.real() == 1 ? g : g * factor; });
}

Scalar negative(const Scalar& x) {
  return is_floating(x.dtype()) ? Scalar(-x.real()) : Scalar(int64_t(0 - uint64_t(x.integer())));
}

}  // namespace

const Tensor& Tensor::add_(const Tensor& other, const Scalar& alpha) const {
  check_pair("add_", *this, other);
  const Tensor b = readable(*this, other);
  write("add_", alpha.real() == 1 ? BinaryOp::add : BinaryOp::add_scaled, *this, b, alpha);
  record_sum("add_", *this, b, alpha);
  return *this;
}

const Tensor& Tensor::sub_(const Tensor& other, const Scalar& alpha) const {
  refuse_bool_difference("sub_", *this);
  refuse_bool_difference("sub_", other);
  check_pair("sub_", *this, other);
  const Tensor b = readable(*this, other);
  if (alpha.real() == 1)
    write("sub_", BinaryOp::sub, *this, b);
  else
    write("sub_", BinaryOp::add_scaled, *this, b, negative(alpha));
  record_sum("sub_", *this, b, negative(alpha));
  return *this;
}

const Tensor& Tensor::mul_(const Tensor& other) const {
  check_pair("mul_", *this, other);
  const Tensor b = readable(*this, other), old = old_value(*this, b);
  write("mul_", BinaryOp::mul, *this, b);
  if (recorded(*this, b))
    record_in_place("mul_", *this, {*this, b},
                    [a = Saved(old), b = Saved(b), to = Origin(b)](const Tensor& g, Wanted wanted) {
                      return gradients(
                          wanted, [&] { return g * b.get(); }, [&] { return to(g * a.get()); });
                    });
  return *this;
}

const Tensor& Tensor::div_(const Tensor& other) const {
  check_pair("div_", *this, other);
  const Tensor b = readable(*this, other), old = old_value(*this, b);
  write("div_", BinaryOp::div, *this, b);
  if (recorded(*this, b))
    record_in_place("div_", *this, {*this, b},
                    [a = Saved(old), b = Saved(b), to = Origin(b)](const Tensor& g, Wanted wanted) {
                      const Tensor z = b.get();
                      return gradients(
                          wanted, [&] { return g / z; }, [&] { return to(-(g * (a.get() / z) / z)); });
                    });
  return *this;
}

const Tensor& Tensor::add_(const Scalar& other) const {
  write("add_", BinaryOp::add, *this, other);
  record_linear("add_", *this, 1);
  return *this;
}
const Tensor& Tensor::sub_(const Scalar& other) const {
  refuse_bool_difference("sub_", *this);
  write("sub_", BinaryOp::sub, *this, other);
  record_linear("sub_", *this, 1);
  return *this;
}
const Tensor& Tensor::mul_(const Scalar& other) const {
  write("mul_", BinaryOp::mul, *this, other);
  record_linear("mul_", *this, other);
  return *this;
}
const Tensor& Tensor::div_(const Scalar& other) const {
  write("div_", BinaryOp::div, *this, other);
  if (autograd::detail::wants_record({*this}))
    record_in_place("div_", *this, {*this}, [other](const Tensor& g) { return g / other; });
  return *this;
}

}  // namespace kiln
