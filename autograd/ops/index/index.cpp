#include <kiln/kernels/index/index.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/found.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using autograd::Form;
using autograd::gradients;
using autograd::Kind;
using autograd::Op;
using autograd::Saved;
using autograd::Wanted;
using kernels::DimGeometry;
using kernels::GatherGeometry;

namespace {

// The index as dense int64, every one of it a position along dimension `dim` of x.
Tensor checked_index(const char* op, const Tensor& x, int dim, const Tensor& index) {
  const Tensor at = dense(converted(index, int64));
  const int64_t size = x.dim() == 0 ? 1 : x.size(dim);
  check_indices(at, size, {}, [&] {
    return fmt::format(
        "{}: index {{value}} at position {{at of {}}} is out of range for dim {} of x {} (use 0 .. {{last}})",
        op, at.shape(), dim, x.shape());
  });
  return at;
}

// gather and scatter_add want index inside x in every dimension but one.
void check_inside(const char* op, const Tensor& x, int dim, const Tensor& index) {
  if (index.dim() != x.dim())
    fail("{}: index {} and x {} must have the same number of dimensions", op, index.shape(), x.shape());
  for (int d = 0; d < x.dim(); ++d)
    if (d != dim && index.size(d) > x.size(d))
      fail("{}: index {} is larger than x {} in dim {}", op, index.shape(), x.shape(), d);
}

constexpr Form kList{0, 1, "a list of indices"};

// index_add and index_copy want a slice of source for each index.
void check_slices(const char* op, const Tensor& x, int dim, const Tensor& at, const Tensor& source) {
  Shape wanted = x.shape();
  if (x.dim() > 0) wanted[dim] = at.numel();
  if (source.shape() != wanted || (x.dim() == 0 && at.numel() != 1))
    fail("{}: x {} and {} indices along dim {} need a source of shape {}, got {}", op, x.shape(), at.numel(),
         dim, wanted, source.shape());
}

}  // namespace

Tensor gather(const Tensor& input, int dim, const Tensor& indices) {
  Op op("gather");
  const Tensor& x = op.operand("x", input);
  const Tensor& index = op.operand("index", indices, Kind::index);
  op.attribute("dim", dim);
  dim = wrap_dim("gather", dim, x.dim());
  const Tensor at = checked_index("gather", x, dim, index);
  check_inside("gather", x, dim, at);
  Tensor y = empty(at.shape(), like(x));
  if (at.numel() != 0)
    on(x.device(), [&](auto& ctx) {
      kernels::gather(ctx, GatherGeometry::of(at.shape(), x.shape(), dim), dense(x), at, y);
    });
  return op.record(y, [at = Saved(at), shape = x.shape(), dim](const Tensor& g) {
    return scatter_add(zeros(shape, like(g)), dim, at.get(), g);
  });
}

// Many halves are added up in float32: sums of 256 bfloat16 ones do not grow any more.
Tensor scatter_add(const Tensor& input, int dim, const Tensor& indices, const Tensor& values) {
  Op op("scatter_add");
  const Tensor& x = op.operand("x", input);
  const Tensor& index = op.operand("index", indices, Kind::index);
  const Tensor& source = op.operand("source", values);
  op.need_one_type();
  op.attribute("dim", dim);
  dim = wrap_dim("scatter_add", dim, x.dim());
  if (is_half(x.dtype()))
    return op.result(to(scatter_add(to(x, float32), dim, index, to(source, float32)), x.dtype()));
  const Tensor at = checked_index("scatter_add", x, dim, index);
  check_inside("scatter_add", x, dim, at);
  check_inside("scatter_add", source, -1, at);
  Tensor part = source;
  for (int d = 0; d < source.dim(); ++d)
    if (at.size(d) < source.size(d)) part = narrow(part, d, 0, at.size(d));
  Tensor y = empty(x.shape(), like(x));
  {
    const NoGrad no_grad;
    y.copy_(x);
  }
  if (at.numel() != 0)
    on(x.device(), [&](auto& ctx) {
      kernels::scatter_add(ctx, GatherGeometry::of(at.shape(), x.shape(), dim), at, dense(part), y);
    });
  return autograd::record("scatter_add", {x, part}, op.result(y),
                          [at = Saved(at), dim](const Tensor& g, Wanted wanted) {
                            return gradients(
                                wanted, [&] { return g; }, [&] { return gather(g, dim, at.get()); });
                          });
}

Tensor index_select(const Tensor& input, int dim, const Tensor& indices) {
  Op op("index_select");
  const Tensor& x = op.operand("x", input);
  const Tensor& index = op.operand("index", indices, Kind::index, kList);
  op.attribute("dim", dim);
  dim = wrap_dim("index_select", dim, x.dim());
  const Tensor at = checked_index("index_select", x, dim, index);
  Shape shape = x.shape();
  if (x.dim() > 0)
    shape[dim] = at.numel();
  else if (at.numel() != 1)
    fail("index_select: x has 0 dimensions and takes 1 index, got {}", at.numel());
  Tensor y = empty(shape, like(x));
  on(x.device(),
     [&](auto& ctx) { kernels::index_select(ctx, DimGeometry::along(x.shape(), dim), dense(x), at, y); });
  return op.record(y, [at = Saved(at), shape = x.shape(), dim](const Tensor& g) {
    return index_add(zeros(shape, like(g)), dim, at.get(), g);
  });
}

Tensor index_add(const Tensor& input, int dim, const Tensor& indices, const Tensor& values) {
  Op op("index_add");
  const Tensor& x = op.operand("x", input);
  const Tensor& index = op.operand("index", indices, Kind::index, kList);
  const Tensor& source = op.operand("source", values);
  op.need_one_type();
  op.attribute("dim", dim);
  dim = wrap_dim("index_add", dim, x.dim());
  if (is_half(x.dtype()))
    return op.result(to(index_add(to(x, float32), dim, index, to(source, float32)), x.dtype()));
  const Tensor at = checked_index("index_add", x, dim, index);
  check_slices("index_add", x, dim, at, source);
  Tensor y = empty(x.shape(), like(x));
  {
    const NoGrad no_grad;
    y.copy_(x);
  }
  on(x.device(),
     [&](auto& ctx) { kernels::index_add(ctx, DimGeometry::along(x.shape(), dim), at, dense(source), y); });
  return op.record(y, [at = Saved(at), dim](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted, [&] { return g; }, [&] { return index_select(g, dim, at.get()); });
  });
}

// Where equal indices overwrite each other, each slice of source gets the gradient of the place, as in
// PyTorch.
Tensor index_copy(const Tensor& input, int dim, const Tensor& indices, const Tensor& values) {
  Op op("index_copy");
  const Tensor& x = op.operand("x", input);
  const Tensor& index = op.operand("index", indices, Kind::index, kList);
  const Tensor& source = op.operand("source", values);
  op.need_one_type();
  op.attribute("dim", dim);
  dim = wrap_dim("index_copy", dim, x.dim());
  const Tensor at = checked_index("index_copy", x, dim, index);
  check_slices("index_copy", x, dim, at, source);
  Tensor y = empty(x.shape(), like(x));
  {
    const NoGrad no_grad;
    y.copy_(x);
  }
  on(x.device(),
     [&](auto& ctx) { kernels::index_copy(ctx, DimGeometry::along(x.shape(), dim), at, dense(source), y); });
  return op.record(y, [at = Saved(at), dim](const Tensor& g, Wanted wanted) {
    return gradients(
        wanted,
        [&] {
          Shape written = g.shape();
          if (g.dim() > 0) written[dim] = at.get().numel();
          return index_copy(g, dim, at.get(), zeros(written, like(g)));
        },
        [&] { return index_select(g, dim, at.get()); });
  });
}

Tensor one_hot(const Tensor& input, int64_t classes) {
  Op op("one_hot");
  const Tensor& x = op.operand("x", input);
  op.attribute("classes", classes);
  if (!is_integral(x.dtype())) fail("one_hot: needs class indices (int64), x is {}", x.dtype());
  if (classes == -1) {
    if (x.numel() == 0)
      fail("one_hot: cannot tell the number of classes of an empty x {}; give it", x.shape());
    const int64_t last = max(x).item<int64_t>();
    if (last == INT64_MAX) fail("one_hot: class {} of x leaves no number of classes; give it", last);
    classes = last + 1;
  }
  if (classes < 1) fail("one_hot: needs at least 1 class, got {}", classes);
  const Tensor at = dense(converted(x, int64));
  check_indices(at, classes, {}, [] {
    return std::string("one_hot: class {value} of element {at} is out of range (use 0 .. {last})");
  });
  const TensorOptions options{.dtype = int64, .device = x.device()};
  return op.result(to(eq(unsqueeze(at, -1), arange(0, classes, 1, options)), int64));
}

}  // namespace kiln
