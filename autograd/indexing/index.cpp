#include <kiln/autograd/indexing/plan.h>
#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/transfer.h>

// Reading x[indices]: views, and one index_select for all index tensors.

namespace kiln {

using autograd::Kind;
using autograd::Op;

namespace {

Tensor taken(const char* op, const indexing::Plan& plan) {
  if (plan.is_view()) return plan.view;
  const indexing::Along a = indexing::along(op, plan);
  return reshape(index_select(reshape(a.view, a.flat()), a.dim, a.list), a.with(a.taken));
}

}  // namespace

Tensor index(const Tensor& input, const indexing::TensorIndices& indices) {
  Op op("index");
  const Tensor& x = op.operand("x", input, Kind::any);
  return op.result(taken("index", indexing::plan_of("index", x, indices)));
}

Tensor nonzero(const Tensor& input) {
  Op op("nonzero");
  const Tensor& x = op.operand("x", input);
  const Tensor mask = on_host(x.dtype() == bool8 ? x.detach() : ne(x, 0)).contiguous();
  const bool* values = mask.data<bool>();
  int64_t count = 0;
  for (int64_t i = 0; i < mask.numel(); ++i) count += values[i];
  const Tensor where = empty({count, x.dim()}, {.dtype = int64, .device = cpu});
  int64_t* out = where.data<int64_t>();
  Dims at = Dims::filled(x.dim(), 0);
  for (int64_t i = 0; i < mask.numel(); ++i) {
    if (values[i]) out = std::copy(at.begin(), at.end(), out);
    for (int d = x.dim() - 1; d >= 0 && ++at[d] == x.size(d); --d) at[d] = 0;
  }
  return op.result(to(where, x.device()));
}

Tensor masked_select(const Tensor& input, const Tensor& condition) {
  Op op("masked_select");
  const Tensor& x = op.operand("x", input);
  const Tensor& mask = op.operand("mask", condition, Kind::mask);
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  if (shape.rank() == 0) return op.result(masked_select(reshape(x, {1}), mask));
  return op.result(taken(
      "masked_select", indexing::plan_of("masked_select", expand(x, shape), {expand(mask.detach(), shape)})));
}

Tensor Tensor::index(std::initializer_list<indexing::TensorIndex> indices) const {
  return kiln::index(*this, indexing::TensorIndices(indices));
}
indexing::Indexed Tensor::operator[](const indexing::TensorIndex& position) const {
  return indexing::Indexed(*this, {position});
}
indexing::Indexed Tensor::operator[](std::initializer_list<indexing::TensorIndex> indices) const {
  return indexing::Indexed(*this, indexing::TensorIndices(indices));
}

namespace indexing {

Indexed::Indexed(const Tensor& x, TensorIndices indices) {
  const Plan plan = plan_of("index", x, indices);
  Tensor::operator=(taken("index", plan));
  if (plan.is_view()) return;  // what is written to it is written to x
  x_ = x;
  indices_ = std::move(indices);
}

const Tensor& Indexed::write(const Tensor& value) const {
  return x_.defined() ? x_.index_put_(indices_, value) : index_put_({Ellipsis}, value);
}
const Tensor& Indexed::write(const Scalar& value) const { return write(full({}, value, like(*this))); }

}  // namespace indexing
}  // namespace kiln
