#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>

namespace kiln {

Tensor normalize(const Tensor& input, double p, int dim, double eps) {
  autograd::Op op("normalize");
  const Tensor& x = op.operand("x", input, autograd::Kind::floating);
  op.attribute("p", p);
  op.attribute("dim", dim);
  op.attribute("eps", eps);
  return op.result(x / clamp_min(norm(x, p, {dim}, true), eps));
}

}  // namespace kiln
