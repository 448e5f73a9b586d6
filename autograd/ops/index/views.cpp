#include <algorithm>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

using autograd::Kind;
using autograd::Op;

// The shape with one -1 replaced by what the element count leaves for it.
Shape complete(const char* op, const Tensor& x, Shape shape) {
  int unknown = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] < -1) fail("{}: the sizes {} must not be negative, but for one -1", op, shape);
    if (shape[i] != -1) continue;
    if (unknown >= 0) fail("{}: only one size of {} may be -1", op, shape);
    unknown = i;
  }
  Shape rest = shape;
  if (unknown >= 0) rest[unknown] = 1;
  const int64_t known = numel(rest);
  if (unknown >= 0) {
    if (known == 0) fail("{}: -1 in {} could be any size, because another size is 0", op, shape);
    if (x.numel() % known == 0) shape[unknown] = x.numel() / known;
  }
  if (unknown >= 0 ? x.numel() % known != 0 : known != x.numel())
    fail("{}: shape {} does not fit the {} elements of x {}", op, shape, x.numel(), x.shape());
  return shape;
}

Tensor reshaped(Op& op, const Tensor& x, const Layout& layout) {
  return op.record_view(layout, [shape = x.shape()](const Tensor& g) { return g.reshape(shape); });
}

int64_t wrap_index(const char* op, const Tensor& x, int dim, int64_t index) {
  const int64_t size = x.shape()[dim];
  if (index < -size || index >= size)
    fail("{}: index {} is out of range at dim {} of x {} (use {} .. {})", op, index, dim, x.shape(), -size,
         size - 1);
  return index < 0 ? index + size : index;
}

// A view that keeps part of x: its gradient is zero elsewhere.
Tensor part_of(Op& op, const Tensor& x, const Layout& layout, int dim, int64_t start, int64_t step,
               bool drop_dim) {
  const Layout dense = Layout::contiguous(x.shape());
  return op.record_view(layout, [dense, dim, start, step, drop_dim](const Tensor& g) {
    const Tensor kept = drop_dim ? g.unsqueeze(dim) : g;
    const Layout part = dense.narrow(dim, start, kept.size(dim), step);
    return strided_assign(zeros(dense.shape, like(g)), kept, dense, part);
  });
}

}  // namespace

Tensor reshape(const Tensor& input, const Shape& shape) {
  Op op("reshape");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("shape", shape);
  const Shape full = complete("reshape", x, shape);
  Layout layout;
  if (x.layout().reshape(full, &layout)) return reshaped(op, x, layout);
  return op.result(x.contiguous().view(full));
}

Tensor Tensor::view(const Shape& shape) const {
  Op op("view");
  const Tensor& x = op.operand("x", *this, Kind::any);
  op.attribute("shape", shape);
  const Shape full = complete("view", x, shape);
  Layout result;
  if (!x.layout().reshape(full, &result))
    fail("view: x {} with strides {} has no view of shape {}; use reshape, which copies where it must",
         x.shape(), x.strides(), full);
  return reshaped(op, x, result);
}

Tensor permute(const Tensor& input, const Dims& order) {
  Op op("permute");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dims", order);
  if (order.rank() != x.dim())
    fail("permute: order {} must name each of the {} dims of x {}", order, x.dim(), x.shape());
  Dims wrapped = order, inverse = order;
  uint32_t seen = 0;
  for (int i = 0; i < order.rank(); ++i) {
    wrapped[i] = wrap_dim("permute", order[i], x.dim());
    inverse[int(wrapped[i])] = i;
    seen |= 1u << wrapped[i];
  }
  if (seen != (1u << order.rank()) - 1) fail("permute: order {} names a dim twice", order);
  return op.record_view(x.layout().permute(wrapped),
                        [inverse](const Tensor& g) { return g.permute(inverse); });
}

Tensor transpose(const Tensor& input, int a, int b) {
  Op op("transpose");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dim0", a);
  op.attribute("dim1", b);
  a = wrap_dim("transpose", a, x.dim());
  b = wrap_dim("transpose", b, x.dim());
  return op.record_view(x.layout().transpose(a, b), [a, b](const Tensor& g) { return g.transpose(a, b); });
}

Tensor Tensor::t() const {
  Op op("t");
  const Tensor& x = op.operand("x", *this, Kind::any, {0, 2, "a matrix or a vector"});
  return op.result(x.dim() < 2 ? x : x.transpose(0, 1));
}

Tensor narrow(const Tensor& input, int dim, int64_t start, int64_t length) {
  Op op("narrow");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dim", dim);
  op.attribute("start", start);
  op.attribute("length", length);
  if (x.dim() == 0) fail("narrow: a 0-dim tensor cannot be narrowed");
  dim = wrap_dim("narrow", dim, x.dim());
  const int64_t size = x.shape()[dim], from = start < 0 ? start + size : start;
  if (from < 0 || from > size || length < 0 || length > size - from)
    fail("narrow: start {} with length {} exceeds size {} at dim {} of x {}", start, length, size, dim,
         x.shape());
  return part_of(op, x, x.layout().narrow(dim, from, length), dim, from, 1, false);
}

Tensor select(const Tensor& input, int dim, int64_t index) {
  Op op("select");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dim", dim);
  op.attribute("index", index);
  if (x.dim() == 0) fail("select: a 0-dim tensor has no element to select; use item()");
  dim = wrap_dim("select", dim, x.dim());
  index = wrap_index("select", x, dim, index);
  return part_of(op, x, x.layout().select(dim, index), dim, index, 1, true);
}

Tensor slice(const Tensor& input, int dim, int64_t start, int64_t end, int64_t step) {
  Op op("slice");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dim", dim);
  op.attribute("start", start);
  op.attribute("end", end);
  op.attribute("step", step);
  if (x.dim() == 0) fail("slice: a 0-dim tensor cannot be sliced");
  dim = wrap_dim("slice", dim, x.dim());
  if (step < 1) fail("slice: step must be positive, got {}", step);
  const int64_t size = x.shape()[dim];
  const auto clip = [size](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  const int64_t from = clip(start), to = std::max(clip(end), from);
  const int64_t length = (to - from) / step + ((to - from) % step != 0);
  return part_of(op, x, x.layout().narrow(dim, from, length, step), dim, from, step, false);
}

Tensor squeeze(const Tensor& input, int dim) {
  Op op("squeeze");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dim", dim);
  dim = wrap_dim("squeeze", dim, x.dim());
  if (x.dim() == 0 || x.shape()[dim] != 1) return reshaped(op, x, x.layout());
  return reshaped(op, x, x.layout().squeeze(dim));
}

Tensor squeeze(const Tensor& input) {
  Op op("squeeze");
  const Tensor& x = op.operand("x", input, Kind::any);
  Layout layout = x.layout();
  for (int i = layout.rank() - 1; i >= 0; --i)
    if (layout.shape[i] == 1) layout = layout.squeeze(i);
  return reshaped(op, x, layout);
}

Tensor unsqueeze(const Tensor& input, int dim) {
  Op op("unsqueeze");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dim", dim);
  return reshaped(op, x, x.layout().unsqueeze(wrap_dim("unsqueeze", dim, x.dim() + 1)));
}

Tensor expand(const Tensor& input, const Shape& shape) {
  Op op("expand");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("shape", shape);
  Shape full = shape;
  const int shift = shape.rank() - x.dim();
  if (shift < 0) fail("expand: shape {} has fewer dims than x {}", shape, x.shape());
  for (int i = 0; i < full.rank(); ++i) {
    const int64_t size = i < shift ? -1 : x.shape()[i - shift];
    if (full[i] == -1 && i >= shift) full[i] = size;
    if (full[i] < 0 || (i >= shift && size != 1 && full[i] != size))
      fail("expand: x {} cannot be expanded to {}: dim {} has size {}, which is not 1", x.shape(), shape,
           i - shift, size);
  }
  return op.record_view(x.layout().expand(full),
                        [to = x.shape()](const Tensor& g) { return sum_to(g, to, g.dtype()); });
}

Tensor flatten(const Tensor& input, int start_dim, int end_dim) {
  Op op("flatten");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("start_dim", start_dim);
  op.attribute("end_dim", end_dim);
  const int start = wrap_dim("flatten", start_dim, x.dim()), end = wrap_dim("flatten", end_dim, x.dim());
  if (start > end) fail("flatten: start dim {} comes after end dim {}", start_dim, end_dim);
  if (x.dim() == 0) return op.result(x.reshape({1}));
  Shape shape;
  for (int i = 0; i < x.dim(); ++i) {
    if (i <= start || i > end)
      shape.push_back(x.shape()[i]);
    else
      shape[start] *= x.shape()[i];
  }
  return op.result(x.reshape(shape));
}

Tensors split(const Tensor& input, int64_t size, int dim) {
  Op op("split");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("size", size);
  op.attribute("dim", dim);
  if (x.dim() == 0) fail("split: a 0-dim tensor cannot be split");
  if (size < 1) fail("split: the size of a part must be positive, got {}", size);
  Tensors parts;
  const int64_t total = x.shape()[wrap_dim("split", dim, x.dim())];
  for (int64_t start = 0; start < total; start += size)
    parts.push_back(x.narrow(dim, start, std::min(size, total - start)));
  if (parts.empty()) parts.push_back(x.narrow(dim, 0, 0));
  return op.results(std::move(parts));
}

Tensors chunk(const Tensor& input, int64_t chunks, int dim) {
  Op op("chunk");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("chunks", chunks);
  op.attribute("dim", dim);
  if (x.dim() == 0) fail("chunk: a 0-dim tensor cannot be split");
  if (chunks < 1) fail("chunk: the number of parts must be positive, got {}", chunks);
  const int64_t size = x.shape()[wrap_dim("chunk", dim, x.dim())];
  return op.results(split(x, std::max<int64_t>(size / chunks + (size % chunks != 0), 1), dim));
}

Tensors unbind(const Tensor& input, int dim) {
  Op op("unbind");
  const Tensor& x = op.operand("x", input, Kind::any);
  op.attribute("dim", dim);
  if (x.dim() == 0) fail("unbind: a 0-dim tensor has no dimension to take apart");
  Tensors parts;
  const int64_t size = x.shape()[wrap_dim("unbind", dim, x.dim())];
  for (int64_t i = 0; i < size; ++i) parts.push_back(x.select(dim, i));
  return op.results(std::move(parts));
}

}  // namespace kiln
