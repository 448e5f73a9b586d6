#include <kiln/autograd/op.h>
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
  const kernels::DimSet reduced = kernels::dim_set(op, dim, x.dim());
  return {empty(kernels::reduced_shape(x.shape(), reduced, keepdim), {.dtype = bool8, .device = x.device()}),
          kernels::ReduceGeometry::over(x.layout(), reduced)};
}

}  // namespace

Tensor any(const Tensor& input, int dim, bool keepdim) {
  autograd::Op op("any");
  const Tensor& x = op.operand("x", input);
  op.attribute("dim", dim);
  op.attribute("keepdim", keepdim);
  const Line line = line_of("any", x, dim, keepdim);
  on(x.device(), [&](auto& ctx) { kernels::any(ctx, line.geometry, x, line.y); });
  return op.result(line.y);
}

Tensor all(const Tensor& input, int dim, bool keepdim) {
  autograd::Op op("all");
  const Tensor& x = op.operand("x", input);
  op.attribute("dim", dim);
  op.attribute("keepdim", keepdim);
  const Line line = line_of("all", x, dim, keepdim);
  on(x.device(), [&](auto& ctx) { kernels::all(ctx, line.geometry, x, line.y); });
  return op.result(line.y);
}

}  // namespace kiln
