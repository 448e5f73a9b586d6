#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

// Other names of what ops do with certain operands.

namespace kiln {

using autograd::Op;

namespace {

// The product of operands of these ranks only.
Tensor product(const char* name, const Tensor& left, int a_rank, const Tensor& right, int b_rank) {
  Op op(name);
  const Tensor &a = op.operand("a", left), &b = op.operand("b", right);
  if (a.dim() != a_rank || b.dim() != b_rank)
    fail("{}: needs operands with {} and {} dims, got {} and {}; matmul takes all kinds", name, a_rank,
         b_rank, a.shape(), b.shape());
  if (a_rank == 3 && a.size(0) != b.size(0))
    fail("{}: a {} and b {} must hold equally many matrices; matmul broadcasts", name, a.shape(), b.shape());
  return op.result(matmul(a, b));
}

}  // namespace

Tensor mm(const Tensor& a, const Tensor& b) { return product("mm", a, 2, b, 2); }
Tensor mv(const Tensor& a, const Tensor& b) { return product("mv", a, 2, b, 1); }
Tensor dot(const Tensor& a, const Tensor& b) { return product("dot", a, 1, b, 1); }
Tensor bmm(const Tensor& a, const Tensor& b) { return product("bmm", a, 3, b, 3); }

Tensor argsort(const Tensor& input, int dim, bool descending) {
  Op op("argsort");
  const Tensor& x = op.operand("x", input);
  op.attribute("dim", dim);
  op.attribute("descending", descending);
  return op.result(sort(x.detach(), dim, descending).indices);
}

Tensor clamp_min(const Tensor& x, const Scalar& low) { return clamp(x, low, {}); }
Tensor clamp_max(const Tensor& x, const Scalar& high) { return clamp(x, {}, high); }

// Converts where there are fewer bytes to move.
Tensor to(const Tensor& x, Device device, DType dtype) {
  if (!x.defined()) fail("to: x is an undefined tensor");
  return size_of(dtype) <= size_of(x.dtype()) ? to(to(x, dtype), device) : to(to(x, device), dtype);
}

Tensor Tensor::where(const Tensor& condition, const Tensor& other) const {
  return kiln::where(condition, *this, other);
}

}  // namespace kiln
