#include <kiln/kernels/elementwise/copy.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/kernels/elementwise/fill.h>
#include <kiln/tensor/fail.h>
#include <kiln/tensor/transfer.h>

namespace kiln {
namespace {

using autograd::Gradients;
using autograd::gradients;
using autograd::record;
using autograd::Wanted;

void copy_into(const Tensor& x, const Tensor& y) {
  if (x.device() != y.device()) {
    // Strides are worked off where x is, types where y is.
    Tensor dense = x;
    if (!x.layout().is_dense()) {
      dense = empty_dense(dense_like(x.layout()), x.dtype(), x.device());
      copy_into(x, dense);
    }
    return copy_into(transferred(dense, y.device()), y);
  }
  on(y.device(), [&](auto& ctx) { kernels::copy(ctx, x, y); });
}

Tensor same(const Tensor& g) { return g; }

}  // namespace

Tensor clone(const Tensor& x) {
  check_defined("clone", x);
  const Tensor y = empty_like(x);
  copy_into(x, y);
  return record("clone", {x}, y, same);
}

Tensor contiguous(const Tensor& x, MemoryFormat format) {
  check_defined("contiguous", x);
  if (x.is_contiguous(format)) return x;
  const Tensor y = empty_dense(Layout::contiguous(x.shape(), format), x.dtype(), x.device());
  copy_into(x, y);
  return record("contiguous", {x}, y, same);
}

Tensor to(const Tensor& x, DType dtype) {
  check_defined("to", x);
  if (x.dtype() == dtype) return x;
  if (is_storage_only(dtype) || is_storage_only(x.dtype()))
    fail("to: {} cannot be converted to {}: {} is storage only", x.dtype(), dtype,
         is_storage_only(dtype) ? dtype : x.dtype());
  Tensor y = converted(x, dtype);
  if (!is_floating(dtype)) return y;
  return record("to", {x}, y, [from = x.dtype()](const Tensor& g) { return g.to(from); });
}

Tensor to(const Tensor& x, Device device) {
  check_defined("to", x);
  if (x.device() == device) return x;
  const Tensor y = transferred(x.layout().is_dense() ? x : clone(x.detach()), device);
  return record("to", {x}, y, [from = x.device()](const Tensor& g) { return g.to(from); });
}

namespace {

// PyTorch lets [0] join any cat, as the start of an accumulation.
bool is_neutral(const Tensor& x) { return x.dim() == 1 && x.numel() == 0; }

struct CatGeometry {
  Layout layout;
  DType dtype;
  int dim;
};

CatGeometry cat_geometry(const Tensors& xs, int dim) {
  if (xs.empty()) fail("cat: needs at least one tensor");
  const Tensor* first = nullptr;
  for (const Tensor& x : xs) {
    check_pair("cat", xs[0], x);
    if (first == nullptr && !is_neutral(x)) first = &x;
  }
  if (first == nullptr) first = &xs[0];
  if (first->dim() == 0) fail("cat: 0-dim tensors have no dim to join; use stack");
  dim = wrap_dim("cat", dim, first->dim());
  Shape shape = first->shape();
  shape[dim] = 0;
  DType dtype = xs[0].dtype();
  bool channels_last = first->dim() == 4;
  for (size_t i = 0; i < xs.size(); ++i) {
    const Tensor& x = xs[i];
    dtype = promote_types(dtype, x.dtype());
    if (is_neutral(x)) continue;
    Shape fits = shape;
    if (x.dim() == shape.rank()) fits[dim] = x.shape()[dim];
    if (x.shape() != fits)
      fail("cat: tensor {} is {}, the first one {}: all sizes but that of dim {} must be equal", i, x.shape(),
           first->shape(), dim);
    shape[dim] += x.shape()[dim];
    channels_last &= x.suggested_memory_format() == MemoryFormat::channels_last;
  }
  const MemoryFormat format = channels_last ? MemoryFormat::channels_last : MemoryFormat::contiguous;
  return {Layout::contiguous(shape, format), dtype, dim};
}

}  // namespace

Tensor cat(const Tensors& xs, int dim) {
  const CatGeometry geometry = cat_geometry(xs, dim);
  dim = geometry.dim;
  Tensor y = empty_dense(geometry.layout, geometry.dtype, xs[0].device());
  struct Piece {
    int64_t start, length;
    DType dtype;
    bool neutral;
  };
  std::vector<Piece> pieces;
  int64_t start = 0;
  for (const Tensor& x : xs) {
    const int64_t length = is_neutral(x) ? 0 : x.shape()[dim];
    if (length != 0) copy_into(x, alias(y, y.layout().narrow(dim, start, length)));
    pieces.push_back({start, length, x.dtype(), is_neutral(x)});
    start += length;
  }
  if (!is_floating(geometry.dtype)) return y;
  return record("cat", std::span<const Tensor>(xs), y,
                [pieces = std::move(pieces), dim](const Tensor& g, Wanted wanted) {
                  Gradients result;
                  for (size_t i = 0; i < pieces.size(); ++i) {
                    const Piece& piece = pieces[i];
                    if (!wanted[i])
                      result.push_back({});
                    else if (piece.neutral)
                      result.push_back(zeros({0}, {.dtype = piece.dtype, .device = g.device()}));
                    else
                      result.push_back(g.narrow(dim, piece.start, piece.length).to(piece.dtype));
                  }
                  return result;
                });
}

Tensor stack(const Tensors& xs, int dim) {
  if (xs.empty()) fail("stack: needs at least one tensor");
  check_defined("stack", xs[0]);
  dim = wrap_dim("stack", dim, xs[0].dim() + 1);
  Tensors rows;
  for (size_t i = 0; i < xs.size(); ++i) {
    check_pair("stack", xs[0], xs[i]);
    if (xs[i].shape() != xs[0].shape())
      fail("stack: tensor {} is {}, the first one {}: all shapes must be equal", i, xs[i].shape(),
           xs[0].shape());
    rows.push_back(unsqueeze(xs[i], dim));
  }
  return cat(rows, dim);
}

Tensor sum_to(const Tensor& x, const Shape& shape, DType dtype) {
  check_defined("sum_to", x);
  if (x.shape() == shape) return to(x, dtype);
  const int shift = x.dim() - shape.rank();
  Dims repeated;
  for (int d = 0; d < x.dim(); ++d) {
    const int64_t size = d < shift ? 1 : shape[d - shift];
    if (shift < 0 || (size != 1 && size != x.shape()[d]))
      fail("sum_to: x {} does not come from broadcasting {}", x.shape(), shape);
    if (d < shift || (size == 1 && x.shape()[d] != 1)) repeated.push_back(d);
  }
  const Tensor y = repeated.empty() ? x : sum(x, repeated);
  return to(y.shape() == shape ? y : reshape(y, shape), dtype);
}

Tensor Tensor::clone() const { return kiln::clone(*this); }
Tensor Tensor::contiguous(MemoryFormat format) const { return kiln::contiguous(*this, format); }
Tensor Tensor::to(DType dtype) const { return kiln::to(*this, dtype); }
Tensor Tensor::to(Device device) const { return kiln::to(*this, device); }

const Tensor& Tensor::copy_(const Tensor& source) const {
  check_defined("copy_", *this, "x");
  check_defined("copy_", source, "the source");
  if (is_same(source)) return *this;
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape())
    fail("copy_: a source of shape {} does not fit into x {}", source.shape(), shape());
  if (is_storage_only(dtype()) != is_storage_only(source.dtype()) ||
      (is_storage_only(dtype()) && dtype() != source.dtype()))
    fail("copy_: {} cannot be converted to {}: one of them is storage only", source.dtype(), dtype());
  autograd::begin_in_place("copy_", *this);
  Tensor from = source;
  if (partly_overlap(*this, source)) {
    from = empty_like(source);
    copy_into(source, from);
  }
  copy_into(from, *this);
  if (is_floating(dtype()))
    autograd::record_in_place("copy_", *this, {*this, source},
                              [to = source.shape(), as = source.dtype()](const Tensor& g, Wanted wanted) {
                                return gradients(
                                    wanted, [&] { return zeros_like(g); }, [&] { return sum_to(g, to, as); });
                              });
  return *this;
}

const Tensor& Tensor::fill_(const Scalar& value) const {
  check_defined("fill_", *this);
  autograd::begin_in_place("fill_", *this);
  on(device(), [&](auto& ctx) { kernels::fill(ctx, value, *this); });
  autograd::record_in_place("fill_", *this, {*this}, [](const Tensor& g) { return zeros_like(g); });
  return *this;
}
const Tensor& Tensor::zero_() const { return fill_(0); }

}  // namespace kiln
