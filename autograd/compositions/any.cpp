#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/kernels/reduce/reduce.h>

// any and all along one dimension.

namespace kiln {
namespace {

// What a reduction of bools gives for `dim`, and the elements of x that each result reads.
struct Line {
  Tensor y;
  kernels::ReduceGeometry geometry;
};

Line line_of(const char* op, const Tensor& x, int dim, bool keepdim) {
  check_defined(op, x);
  const kernels::DimSet reduced = kernels::dim_set(op, dim, x.dim());
  return {empty(kernels::reduced_shape(x.shape(), reduced, keepdim), {.dtype = bool8, .device = x.device()}),
          kernels::ReduceGeometry::over(x.layout(), reduced)};
}

}  // namespace

Tensor any(const Tensor& x, int dim, bool keepdim) {
  const Line line = line_of("any", x, dim, keepdim);
  on(x.device(), [&](auto& ctx) { kernels::any(ctx, line.geometry, x, line.y); });
  return line.y;
}

Tensor all(const Tensor& x, int dim, bool keepdim) {
  const Line line = line_of("all", x, dim, keepdim);
  on(x.device(), [&](auto& ctx) { kernels::all(ctx, line.geometry, x, line.y); });
  return line.y;
}

}  // namespace kiln
