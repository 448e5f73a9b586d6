#include <kiln/kernels/elementwise/binary.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

using autograd::Op;
using kernels::BinaryOp;

DType checked(const char* op, DType type) {
  if (type != bool8 && !is_integral(type))
    fail("{}: needs integers or bools, the operands are {}; compare or convert them first", op, type);
  return type;
}

Tensor bitwise(const char* name, BinaryOp which, const Tensor& left, const Tensor& right) {
  Op op(name);
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  const DType type = checked(name, result_type(name, a, b));
  const Tensor y = empty_dense(result_layout(name, a, b), type, a.device());
  on(y.device(), [&](auto& ctx) { kernels::binary(ctx, which, type, a, b, y); });
  return op.result(y);
}

Tensor bitwise(const char* name, BinaryOp which, const Tensor& left, const Scalar& b) {
  Op op(name);
  const Tensor& a = op.operand("a", left);
  op.attribute("b", b);
  const DType type = checked(name, result_type(name, a, b));
  const Tensor y = empty_dense(dense_like(a.layout()), type, a.device());
  on(y.device(), [&](auto& ctx) { kernels::binary(ctx, which, type, a, b, y); });
  return op.result(y);
}

}  // namespace

Tensor bitwise_and(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_and", BinaryOp::bitwise_and, a, b);
}
Tensor bitwise_or(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_or", BinaryOp::bitwise_or, a, b);
}
Tensor bitwise_xor(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_xor", BinaryOp::bitwise_xor, a, b);
}
Tensor bitwise_and(const Tensor& a, const Scalar& b) {
  return bitwise("bitwise_and", BinaryOp::bitwise_and, a, b);
}
Tensor bitwise_or(const Tensor& a, const Scalar& b) {
  return bitwise("bitwise_or", BinaryOp::bitwise_or, a, b);
}
Tensor bitwise_xor(const Tensor& a, const Scalar& b) {
  return bitwise("bitwise_xor", BinaryOp::bitwise_xor, a, b);
}

Tensor bitwise_not(const Tensor& input) {
  Op op("bitwise_not");
  const Tensor& x = op.operand("x", input);
  if (x.dtype() == bool8) return op.result(logical_not(x));
  return op.result(bitwise("bitwise_not", BinaryOp::bitwise_xor, x, x.dtype() == uint8 ? 255 : -1));
}

Tensor logical_xor(const Tensor& left, const Tensor& right) {
  Op op("logical_xor");
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  return op.result(ne(ne(a, 0), ne(b, 0)));
}

}  // namespace kiln
