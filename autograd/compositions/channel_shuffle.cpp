#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/working_order.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

namespace {

// x with dim's channels seen as [groups, rest] and turned over, in x's order of memory.
Tensor shuffled(const Tensor& x, int dim, int64_t groups) {
  Shape apart = x.shape();
  apart[dim] = groups;
  apart.insert(dim + 1, x.size(dim) / groups);
  return reshape(transpose(reshape(x, apart), dim, dim + 1), x.shape());
}

}  // namespace

Tensor channel_shuffle(const Tensor& input, int64_t groups) {
  autograd::Op op("channel_shuffle");
  const Tensor& x = op.operand("x", input, autograd::Kind::number, {3, kMaxRank - 1, "[N,C,...]"});
  op.attribute("groups", groups);
  if (groups < 1 || x.size(1) % groups != 0)
    fail("channel_shuffle: groups must divide the channels, got {} for x {}", groups, x.shape());
  if (working_order(x) == MemoryFormat::channels_last)
    return op.result(permute(shuffled(permute(x, {0, 2, 3, 1}), 3, groups), {0, 3, 1, 2}));
  return op.result(shuffled(x, 1, groups));
}

}  // namespace kiln
