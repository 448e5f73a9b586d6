#include <algorithm>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/bytes_of.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

using autograd::gradients;
using autograd::Kind;
using autograd::Op;
using autograd::Wanted;

// x's values in fresh memory of this layout, which may have gaps.
Tensor spread_out(const Tensor& x, const Layout& dense) {
  const NoGrad scope;
  dense.check("strided");
  Ref<Storage> storage = Storage::allocate(bytes_of({dense.span()}, x.dtype()), x.device());
  Tensor y = from_storage(std::move(storage), x.dtype(), dense);
  y.copy_(x);
  return y;
}

Tensor view_of(const Tensor& memory, const Layout& layout) {
  return from_storage(memory.impl()->storage, memory.dtype(), layout);
}

}  // namespace

Tensor as_strided(const Tensor& input, const Shape& shape, const Strides& strides, int64_t offset) {
  Op op("as_strided");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("shape", shape);
  op.attribute("strides", strides);
  op.attribute("offset", offset);
  if (strides.rank() != shape.rank())
    fail("as_strided: shape {} and strides {} must have the same number of dimensions", shape, strides);
  const Layout layout{shape, strides, offset};
  layout.check("as_strided");
  from_storage(x.impl()->storage, x.dtype(), layout);  // checks the bounds
  const Layout dense{x.shape(), x.strides(), 0}, part{shape, strides, offset - x.layout().offset};
  return op.record_view(layout, [dense, part](const Tensor& g) {
    if (!part.is_non_overlapping())
      fail("backward of as_strided: strides {} of shape {} reach one element by several indices",
           part.strides, part.shape);
    if (part.offset < 0 || part.offset + part.span() > dense.span())
      fail("backward of as_strided: the view reaches beyond the tensor {} it was taken of", dense.shape);
    return strided_assign(zeros(dense.shape, like(g)), g, dense, part);
  });
}

Tensor strided_part(const Tensor& input, const Layout& dense, const Layout& part) {
  Op op("strided_part");
  const Tensor& x = op.operand("x", input, Kind::any);
  const Tensor y = view_of(spread_out(x, dense), part);
  return op.record(y, [dense, part](const Tensor& g) {
    return strided_assign(zeros(dense.shape, like(g)), g, dense, part);
  });
}

Tensor strided_assign(const Tensor& input, const Tensor& source, const Layout& dense, const Layout& part) {
  Op op("strided_assign");
  const Tensor& x = op.operand("x", input, Kind::any);
  const Tensor& value = op.operand("value", source, Kind::any);
  const Tensor y = spread_out(x, dense);
  {
    const NoGrad scope;
    view_of(y, part).copy_(value);
  }
  return op.record(y, [dense, part](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return strided_assign(g, zeros(part.shape, like(g)), dense, part); },
        [&] { return strided_part(g, dense, part); });
  });
}

}  // namespace kiln
