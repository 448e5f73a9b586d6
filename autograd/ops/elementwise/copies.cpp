#include <kiln/kernels/elementwise/copy.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/kernels/elementwise/fill.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/transfer.h>

namespace kiln {
namespace {

using autograd::Gradients;
using autograd::gradients;
using autograd::Kind;
using autograd::Op;
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

Tensor clone(const Tensor& input) {
  Op op("clone");
  const Tensor& x = op.operand("x", input, Kind::any);
  const Tensor y = empty_like(x);
  copy_into(x, y);
  return op.record(y, same);
}

Tensor contiguous(const Tensor& input, MemoryFormat format) {
  Op op("contiguous");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("memory_format", format == MemoryFormat::contiguous ? "contiguous" : "channels_last");
  if (x.is_contiguous(format)) return op.result(x);
  const Tensor y = empty_dense(Layout::contiguous(x.shape(), format), x.dtype(), x.device());
  copy_into(x, y);
  return op.record(y, same);
}

Tensor to(const Tensor& input, DType dtype) {
  if (input.defined() && input.dtype() == dtype) return input;
  Op op("to");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dtype", dtype);
  if (is_storage_only(dtype) || is_storage_only(x.dtype()))
    fail("to: {} cannot be converted to {}: {} is storage only", x.dtype(), dtype,
         is_storage_only(dtype) ? dtype : x.dtype());
  Tensor y = converted(x, dtype);
  if (!is_floating(dtype)) return op.result(y);
  return op.record(y, [from = x.dtype()](const Tensor& g) { return g.to(from); });
}

Tensor to(const Tensor& input, Device device) {
  if (input.defined() && input.device() == device) return input;
  Op op("to");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("device", to_string(device));
  const Tensor y = transferred(x.layout().is_dense() ? x : clone(x.detach()), device);
  return op.record(y, [from = x.device()](const Tensor& g) { return g.to(from); });
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
  const Tensor* first = nullptr;
  for (const Tensor& x : xs)
    if (first == nullptr && !is_neutral(x)) first = &x;
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
    if (__builtin_add_overflow(shape[dim], x.shape()[dim], &shape[dim]))
      fail("cat: the sizes along dim {} have a sum that int64 does not count", dim);
    channels_last &= x.suggested_memory_format() == MemoryFormat::channels_last;
  }
  const MemoryFormat format = channels_last ? MemoryFormat::channels_last : MemoryFormat::contiguous;
  return {Layout::contiguous(shape, format), dtype, dim};
}

}  // namespace

Tensor cat(const Tensors& tensors, int dim) {
  Op op("cat");
  const Tensors& xs = op.operands("tensors", tensors);
  op.attribute("dim", dim);
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
  if (!is_floating(geometry.dtype)) return op.result(y);
  return op.record(y, [pieces = std::move(pieces), dim](const Tensor& g, Wanted wanted) {
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

Tensor stack(const Tensors& tensors, int dim) {
  Op op("stack");
  const Tensors& xs = op.operands("tensors", tensors);
  op.attribute("dim", dim);
  dim = wrap_dim("stack", dim, xs[0].dim() + 1);
  Tensors rows;
  for (size_t i = 0; i < xs.size(); ++i) {
    if (xs[i].shape() != xs[0].shape())
      fail("stack: tensor {} is {}, the first one {}: all shapes must be equal", i, xs[i].shape(),
           xs[0].shape());
    rows.push_back(unsqueeze(xs[i], dim));
  }
  return op.result(cat(rows, dim));
}

Tensor sum_to(const Tensor& input, const Shape& shape, DType dtype) {
  if (input.defined() && input.shape() == shape) return to(input, dtype);
  Op op("sum_to");
  const Tensor& x = op.operand("x", input);
  op.attribute("shape", shape);
  const int shift = x.dim() - shape.rank();
  Dims repeated;
  for (int d = 0; d < x.dim(); ++d) {
    const int64_t size = d < shift ? 1 : shape[d - shift];
    if (shift < 0 || (size != 1 && size != x.shape()[d]))
      fail("sum_to: x {} does not come from broadcasting {}", x.shape(), shape);
    if (d < shift || (size == 1 && x.shape()[d] != 1)) repeated.push_back(d);
  }
  const Tensor y = repeated.empty() ? x : sum(x, repeated);
  return op.result(to(y.shape() == shape ? y : reshape(y, shape), dtype));
}

Tensor Tensor::contiguous(MemoryFormat format) const { return kiln::contiguous(*this, format); }

const Tensor& Tensor::copy_(const Tensor& given) const {
  if (!given.defined()) fail("copy_: the source is an undefined tensor");
  Op op("copy_");
  const Tensor& x = op.operand("x", *this, Kind::any);
  if (x.is_same(given)) return *this;
  if (broadcast_shapes("copy_", x.shape(), given.shape()) != x.shape())
    fail("copy_: a source of shape {} does not fit into x {}", given.shape(), x.shape());
  if (is_storage_only(x.dtype()) != is_storage_only(given.dtype()) ||
      (is_storage_only(x.dtype()) && x.dtype() != given.dtype()))
    fail("copy_: {} cannot be converted to {}: one of them is storage only", given.dtype(), x.dtype());
  op.begin_write();
  Tensor source = given;
  if (partly_overlap(x, source)) {
    source = empty_like(given);
    copy_into(given, source);
  }
  copy_into(source, x);
  op.written();
  if (is_floating(x.dtype()))
    autograd::record_in_place(
        "copy_", x, {x, given},
        [to = given.shape(), as = given.dtype(), from = given.device()](const Tensor& g, Wanted wanted) {
          return gradients(
              wanted, [&] { return zeros_like(g); }, [&] { return kiln::to(sum_to(g, to, as), from); });
        });
  return *this;
}

const Tensor& Tensor::fill_(const Scalar& value) const {
  Op op("fill_");
  const Tensor& x = op.operand("x", *this);
  op.attribute("value", value);
  check_fits("fill_", value, x.dtype());
  op.begin_write();
  on(x.device(), [&](auto& ctx) { kernels::fill(ctx, value, x); });
  op.record_write([](const Tensor& g) { return zeros_like(g); });
  return *this;
}
const Tensor& Tensor::zero_() const { return fill_(0); }

}  // namespace kiln
