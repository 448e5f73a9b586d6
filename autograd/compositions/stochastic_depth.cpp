#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

Tensor stochastic_depth(const Tensor& input, double p, StochasticDepthMode mode, bool training,
                        Generator* generator) {
  autograd::Op op("stochastic_depth");
  const Tensor& x = op.operand("x", input, autograd::Kind::floating, {1, kMaxRank, "[N,...]"});
  op.attribute("p", p);
  op.attribute("mode", mode == StochasticDepthMode::row ? "row" : "batch");
  op.attribute("training", training);
  if (!(p >= 0 && p <= 1)) fail("stochastic_depth: the probability must lie in [0, 1], got {}", p);
  if (!training || p == 0) return op.result(x);
  Shape kept = Dims::filled(x.dim(), 1);
  if (mode == StochasticDepthMode::row) kept[0] = x.size(0);
  return op.result(x * dropout(ones(kept, like(x)), p, true, generator));
}

}  // namespace kiln
