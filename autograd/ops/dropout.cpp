#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/elementwise/random.h>
#include <kiln/tensor/capture.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

// The mask is a function of where the generator stood, so it is made again instead of kept.
struct Mask {
  PhiloxStart start;
  double p;
  Layout layout;  // the order in which elements take numbers
};

// Linear in x, so it is its own gradient.
Tensor masked(const Tensor& x, const Mask& mask) {
  Tensor dense = x;
  if (x.strides() != mask.layout.strides) {
    dense = empty_dense(mask.layout, x.dtype(), x.device());
    on(x.device(), [&](auto& ctx) { kernels::copy(ctx, x, dense); });
  }
  const Tensor y = empty_dense(mask.layout, x.dtype(), x.device());
  on(x.device(), [&](auto& ctx) {
    kernels::dropout(ctx, mask.start, mask.p, mask.p < 1 ? 1 / (1 - mask.p) : 0, dense, y);
  });
  return autograd::record("dropout", {x}, y, [mask](const Tensor& g) { return masked(g, mask); });
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training, Generator* generator) {
  check_floating("dropout", x);
  if (!(p >= 0 && p <= 1)) fail("dropout: the probability must lie in [0, 1], got {}", p);
  if (!training || p == 0) return x;
  if (generator == nullptr) generator = &default_generator();
  return masked(x, {draw(*generator, x.numel(), x.device()), p, dense_like(x.layout())});
}

}  // namespace kiln
