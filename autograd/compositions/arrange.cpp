#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

// Ops that put copies of parts of a tensor side by side, made of views and copies.

namespace kiln {

using autograd::Op;

namespace {

Tensor repeated(const char* op, const Tensor& x, const Dims& times) {
  Shape shape = x.shape();
  while (shape.rank() < times.rank()) shape.insert(0, 1);
  Tensor y = reshape(x, shape);
  bool copied = false;
  for (int d = 0; d < times.rank(); ++d) {
    if (times[d] < 0) fail("{}: numbers of repetitions must not be negative, got {}", op, times);
    if (times[d] == 1) continue;
    int64_t outer = 1, rest = 1;
    for (int i = 0; i < d; ++i) outer *= shape[i];
    for (int i = d; i < shape.rank(); ++i) rest *= shape[i];
    if (__builtin_mul_overflow(shape[d], times[d], &shape[d]))
      fail("{}: {} times x {} is too large", op, times, x.shape());
    numel(shape);
    y = reshape(expand(reshape(y, {outer, 1, rest}), {outer, times[d], rest}), shape);
    copied = true;
  }
  return copied && !y.shares_storage(x) ? y : clone(y);
}

}  // namespace

Tensor repeat(const Tensor& input, const Dims& times) {
  Op op("repeat");
  const Tensor& x = op.operand("x", input);
  op.attribute("times", times);
  if (times.rank() < x.dim())
    fail("repeat: {} must have a number for each of the {} dims of x {}", times, x.dim(), x.shape());
  return op.result(repeated("repeat", x, times));
}

Tensor tile(const Tensor& input, const Dims& times) {
  Op op("tile");
  const Tensor& x = op.operand("x", input);
  op.attribute("times", times);
  Dims full = times;
  while (full.rank() < x.dim()) full.insert(0, 1);
  return op.result(repeated("tile", x, full));
}

Tensor flip(const Tensor& input, const Dims& dims) {
  Op op("flip");
  const Tensor& x = op.operand("x", input);
  op.attribute("dims", dims);
  Tensor y = x;
  uint32_t seen = 0;
  for (const int64_t given : dims) {
    const int dim = wrap_dim("flip", given, x.dim());
    if ((seen >> dim & 1u) != 0) fail("flip: dims {} name dim {} twice", dims, dim);
    seen |= 1u << dim;
    if (x.dim() == 0) continue;
    const TensorOptions options{.dtype = int64, .device = x.device()};
    y = index_select(y, dim, arange(x.size(dim) - 1, -1, -1, options));
  }
  return op.result(y.is_same(x) ? clone(x) : y);
}

Tensor roll(const Tensor& input, const Dims& shifts, const Dims& dims) {
  Op op("roll");
  const Tensor& x = op.operand("x", input);
  op.attribute("shifts", shifts);
  op.attribute("dims", dims);
  if (dims.empty()) {
    if (shifts.rank() != 1) fail("roll: without dims there is one shift, got {}", shifts);
    return op.result(reshape(roll(reshape(x, {x.numel()}), shifts, 0), x.shape()));
  }
  if (shifts.rank() != dims.rank()) fail("roll: shifts {} and dims {} must be as many", shifts, dims);
  Tensor y = x;
  for (int i = 0; i < dims.rank(); ++i) {
    const int dim = wrap_dim("roll", dims[i], x.dim());
    const int64_t size = x.dim() == 0 ? 1 : x.size(dim);
    const int64_t by = size == 0 ? 0 : (shifts[i] % size + size) % size;
    if (by != 0) y = cat({narrow(y, dim, size - by, by), narrow(y, dim, 0, size - by)}, dim);
  }
  return op.result(y.is_same(x) ? clone(x) : y);
}

}  // namespace kiln
