#include <kiln/kernels/elementwise/binary.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

using kernels::BinaryOp;

DType checked(const char* op, DType type) {
  if (type != bool8 && !is_integral(type))
    fail("{}: needs integers or bools, the operands are {}; compare or convert them first", op, type);
  return type;
}

Tensor bitwise(const char* name, BinaryOp op, const Tensor& a, const Tensor& b) {
  check_pair(name, a, b);
  const DType type = checked(name, result_type(name, a, b));
  const Tensor y = empty_dense(result_layout(name, a, b), type, a.device());
  on(y.device(), [&](auto& ctx) { kernels::binary(ctx, op, type, a, b, y); });
  return y;
}

Tensor bitwise(const char* name, BinaryOp op, const Tensor& a, const Scalar& b) {
  check_defined(name, a);
  const DType type = checked(name, result_type(name, a, b));
  const Tensor y = empty_dense(dense_like(a.layout()), type, a.device());
  on(y.device(), [&](auto& ctx) { kernels::binary(ctx, op, type, a, b, y); });
  return y;
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

Tensor bitwise_not(const Tensor& x) {
  check_defined("bitwise_not", x);
  if (x.dtype() == bool8) return logical_not(x);
  return bitwise("bitwise_not", BinaryOp::bitwise_xor, x, x.dtype() == uint8 ? 255 : -1);
}

Tensor logical_xor(const Tensor& a, const Tensor& b) {
  check_pair("logical_xor", a, b);
  return ne(ne(a, 0), ne(b, 0));
}

}  // namespace kiln
