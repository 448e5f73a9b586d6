#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/kernels/elementwise/random.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/capture.h>

namespace kiln {

using autograd::Kind;
using autograd::Op;

namespace {

// The mask is a function of where the generator stood, so it is made again instead of kept.
struct Mask {
  PhiloxStart start;
  double p;
  Layout layout;  // the order in which elements take numbers
};

// Linear in x, so it is its own gradient.
Tensor masked(Op& op, const Tensor& x, const Mask& mask) {
  const Tensor in = laid_out(x, mask.layout);
  const Tensor y = empty_dense(mask.layout, x.dtype(), x.device());
  on(x.device(),
     [&](auto& ctx) { kernels::dropout(ctx, mask.start, mask.p, mask.p < 1 ? 1 / (1 - mask.p) : 0, in, y); });
  return op.record(y, [mask](const Tensor& g) {
    Op again("dropout_backward");
    return masked(again, again.operand("g", g), mask);
  });
}

}  // namespace

Tensor dropout(const Tensor& input, double p, bool training, Generator* generator) {
  Op op("dropout");
  const Tensor& x = op.operand("x", input, Kind::floating);
  op.attribute("p", p);
  op.attribute("training", training);
  if (!(p >= 0 && p <= 1)) fail("dropout: the probability must lie in [0, 1], got {}", p);
  if (!training || p == 0) return op.result(x);
  if (generator == nullptr) generator = &default_generator();
  return masked(op, x, {draw(*generator, x.numel(), x.device()), p, dense_like(x.layout())});
}

}  // namespace kiln
