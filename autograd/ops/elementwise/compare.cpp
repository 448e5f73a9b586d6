#include <kiln/kernels/elementwise/compare.h>

#include <cmath>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

using autograd::Op;
using kernels::CompareOp;

Tensor compared(const char* name, CompareOp which, const Tensor& left, const Tensor& right) {
  Op op(name);
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  const DType type = result_type(name, a, b);
  const Tensor y = empty_dense(result_layout(name, a, b), bool8, a.device());
  on(y.device(), [&](auto& ctx) { kernels::compare(ctx, which, type, a, b, y); });
  return op.result(y);
}

Tensor compared(const char* name, CompareOp which, const Tensor& left, const Scalar& b) {
  Op op(name);
  const Tensor& a = op.operand("a", left);
  op.attribute("b", b);
  DType type = result_type(name, a, b);
  // A number beyond the type is less or more than all that it holds.
  if (is_integral(type) && !is_floating(b.dtype()))
    if (const Range range = range_of(type); b.integer() < range.least || b.integer() > range.most)
      type = int64;
  const Tensor y = empty_dense(dense_like(a.layout()), bool8, a.device());
  on(y.device(), [&](auto& ctx) { kernels::compare(ctx, which, type, a, b, y); });
  return op.result(y);
}

}  // namespace

Tensor eq(const Tensor& a, const Tensor& b) { return compared("eq", CompareOp::eq, a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compared("ne", CompareOp::ne, a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compared("lt", CompareOp::lt, a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compared("le", CompareOp::le, a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compared("gt", CompareOp::gt, a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compared("ge", CompareOp::ge, a, b); }
Tensor eq(const Tensor& a, const Scalar& b) { return compared("eq", CompareOp::eq, a, b); }
Tensor ne(const Tensor& a, const Scalar& b) { return compared("ne", CompareOp::ne, a, b); }
Tensor lt(const Tensor& a, const Scalar& b) { return compared("lt", CompareOp::lt, a, b); }
Tensor le(const Tensor& a, const Scalar& b) { return compared("le", CompareOp::le, a, b); }
Tensor gt(const Tensor& a, const Scalar& b) { return compared("gt", CompareOp::gt, a, b); }
Tensor ge(const Tensor& a, const Scalar& b) { return compared("ge", CompareOp::ge, a, b); }
Tensor logical_and(const Tensor& a, const Tensor& b) {
  return compared("logical_and", CompareOp::logical_and, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return compared("logical_or", CompareOp::logical_or, a, b);
}
Tensor logical_not(const Tensor& input) {
  Op op("logical_not");
  return op.result(eq(op.operand("x", input), false));
}

Tensor isnan(const Tensor& input) {
  Op op("isnan");
  const Tensor& x = op.operand("x", input);
  return op.result(ne(x, x));
}

// Integers are finite: a comparison with infinity would take them to float32.
Tensor isinf(const Tensor& input) {
  Op op("isinf");
  const Tensor& x = op.operand("x", input);
  if (!x.is_floating_point()) return op.result(ne(x, x));
  return op.result(logical_or(eq(x, INFINITY), eq(x, -INFINITY)));
}
Tensor isfinite(const Tensor& input) {
  Op op("isfinite");
  const Tensor& x = op.operand("x", input);
  if (!x.is_floating_point()) return op.result(eq(x, x));
  return op.result(logical_and(lt(x, INFINITY), gt(x, -INFINITY)));
}

bool equal(const Tensor& left, const Tensor& right) {
  Op op("equal");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  return a.numel() == 0 || all(eq(a, b)).item<bool>();
}

bool allclose(const Tensor& left, const Tensor& right, double rtol, double atol, bool equal_nan) {
  Op op("allclose");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  if (a.dtype() != b.dtype()) fail("allclose: operands are {} and {}; convert one", a.dtype(), b.dtype());
  const NoGrad scope;
  // Integers are compared as doubles, so that differences cannot wrap.
  const Tensor x = a.is_floating_point() ? a : a.to(float64), y = b.is_floating_point() ? b : b.to(float64);
  const Tensor distance = abs(x - y);
  Tensor close = logical_or(eq(x, y), logical_and(isfinite(distance), le(distance, abs(y) * rtol + atol)));
  if (equal_nan) close = logical_or(close, logical_and(isnan(x), isnan(y)));
  return close.numel() == 0 || all(close).item<bool>();
}

}  // namespace kiln
