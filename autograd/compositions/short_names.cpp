#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/fail.h>

// Other names of what ops do with certain operands.

namespace kiln {
namespace {

void check_ranks(const char* op, const Tensor& a, int a_rank, const Tensor& b, int b_rank) {
  check_pair(op, a, b);
  if (a.dim() != a_rank || b.dim() != b_rank)
    fail("{}: needs operands with {} and {} dims, got {} and {}; matmul takes all kinds", op, a_rank, b_rank,
         a.shape(), b.shape());
}

}  // namespace

Tensor mm(const Tensor& a, const Tensor& b) {
  check_ranks("mm", a, 2, b, 2);
  return matmul(a, b);
}
Tensor mv(const Tensor& a, const Tensor& b) {
  check_ranks("mv", a, 2, b, 1);
  return matmul(a, b);
}
Tensor dot(const Tensor& a, const Tensor& b) {
  check_ranks("dot", a, 1, b, 1);
  return matmul(a, b);
}
Tensor bmm(const Tensor& a, const Tensor& b) {
  check_ranks("bmm", a, 3, b, 3);
  if (a.size(0) != b.size(0))
    fail("bmm: a {} and b {} must hold equally many matrices; matmul broadcasts", a.shape(), b.shape());
  return matmul(a, b);
}

Tensor argsort(const Tensor& x, int dim, bool descending) {
  check_defined("argsort", x);
  return sort(x.detach(), dim, descending).indices;
}

Tensor clamp_min(const Tensor& x, const Scalar& low) { return clamp(x, low, {}); }
Tensor clamp_max(const Tensor& x, const Scalar& high) { return clamp(x, {}, high); }

// Converts where there are fewer bytes to move.
Tensor to(const Tensor& x, Device device, DType dtype) {
  check_defined("to", x);
  return size_of(dtype) <= size_of(x.dtype()) ? to(to(x, dtype), device) : to(to(x, device), dtype);
}

Tensor Tensor::where(const Tensor& condition, const Tensor& other) const {
  return kiln::where(condition, *this, other);
}

}  // namespace kiln
