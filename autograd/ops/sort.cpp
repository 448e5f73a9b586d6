#include <kiln/kernels/reduce/sort.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

ValuesAndIndices first_sorted(const char* op, const Tensor& x, int64_t k, int dim, bool descending) {
  Shape shape = x.shape();
  if (x.dim() > 0) shape[dim] = k;
  const ValuesAndIndices y{empty(shape, like(x)), empty(shape, {.dtype = int64, .device = x.device()})};
  Tensor dense;
  {
    const NoGrad no_grad;
    dense = contiguous(x);
  }
  on(x.device(), [&](auto& ctx) {
    kernels::sort(ctx, kernels::DimGeometry::along(x.shape(), dim), k, descending, dense, y.values,
                  y.indices);
  });
  autograd::record(op, {x}, y.values,
                   [at = autograd::Saved(y.indices), full = x.shape(), dim](const Tensor& g) {
                     return scatter_add(zeros(full, like(g)), dim, at.get(), g);
                   });
  return y;
}

}  // namespace

ValuesAndIndices topk(const Tensor& x, int64_t k, int dim, bool largest) {
  check_defined("topk", x);
  dim = wrap_dim("topk", dim, x.dim());
  const int64_t size = x.dim() == 0 ? 1 : x.size(dim);
  if (k < 0 || k > size || (x.dim() == 0 && k == 0))
    fail("topk: k = {} is out of range for dim {} of x {} (use 0 .. {})", k, dim, x.shape(), size);
  return first_sorted("topk", x, k, dim, largest);
}

ValuesAndIndices sort(const Tensor& x, int dim, bool descending) {
  check_defined("sort", x);
  dim = wrap_dim("sort", dim, x.dim());
  return first_sorted("sort", x, x.dim() == 0 ? 1 : x.size(dim), dim, descending);
}

}  // namespace kiln
