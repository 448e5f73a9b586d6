#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>

namespace kiln {

bool equal(const Tensor& a, const Tensor& b) {
  check_pair("equal", a, b);
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  return all(eq(a, b)).item<bool>();
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  check_pair("allclose", a, b);
  const NoGrad no_grad;
  const Tensor x = converted(a, float64), y = converted(b, float64);
  // Infinities are close to themselves only, and to nothing by way of an infinite tolerance.
  const Tensor bound = where(isinf(y), zeros({}, like(y)), add(mul(abs(y), rtol), atol));
  Tensor close = logical_or(eq(x, y), le(abs(sub(x, y)), bound));
  if (equal_nan) close = logical_or(close, logical_and(isnan(x), isnan(y)));
  return all(close).item<bool>();
}

}  // namespace kiln
