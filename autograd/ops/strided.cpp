#include <algorithm>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

using autograd::gradients;
using autograd::record;
using autograd::Wanted;

// x's values in fresh memory laid out as `dense`.
Tensor laid_out(const Tensor& x, const Layout& dense) {
  const NoGrad scope;
  Ref<Storage> storage = Storage::allocate(dense.span() * size_of(x.dtype()), x.device());
  Tensor y = from_storage(std::move(storage), x.dtype(), dense);
  y.copy_(x);
  return y;
}

Tensor view_of(const Tensor& memory, const Layout& layout) {
  return from_storage(memory.impl()->storage, memory.dtype(), layout);
}

}  // namespace

Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset) {
  if (!x.defined()) fail("as_strided: the tensor is undefined");
  const Layout layout{shape, strides, offset};
  from_storage(x.impl()->storage, x.dtype(), layout);  // checks the bounds
  const Layout dense{x.shape(), x.strides(), 0}, part{shape, strides, offset - x.layout().offset};
  return autograd::record_view("as_strided", x, layout, [dense, part](const Tensor& g) {
    if (!part.is_non_overlapping())
      fail("backward of as_strided: strides {} of shape {} reach one element by several indices",
           part.strides, part.shape);
    if (part.offset < 0 || part.offset + part.span() > dense.span())
      fail("backward of as_strided: the view reaches beyond the tensor {} it was taken of", dense.shape);
    return strided_assign(zeros(dense.shape, like(g)), g, dense, part);
  });
}

Tensor strided_part(const Tensor& x, const Layout& dense, const Layout& part) {
  const Tensor y = view_of(laid_out(x, dense), part);
  return record("strided_part", {x}, y, [dense, part](const Tensor& g) {
    return strided_assign(zeros(dense.shape, like(g)), g, dense, part);
  });
}

Tensor strided_assign(const Tensor& x, const Tensor& value, const Layout& dense, const Layout& part) {
  const Tensor y = laid_out(x, dense);
  {
    const NoGrad scope;
    view_of(y, part).copy_(value);
  }
  return record("strided_assign", {x, value}, y, [dense, part](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return strided_assign(g, zeros(part.shape, like(g)), dense, part); },
        [&] { return strided_part(g, dense, part); });
  });
}

}  // namespace kiln
