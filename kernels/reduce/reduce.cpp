#include <kiln/kernels/reduce/reduce.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::kernels {
namespace {

using Axis = ReduceGeometry::Axis;

// Keeps the axes sorted by x_stride, longest first; equal ones in the order they come.
void insert(Axis* axes, int& rank, const Axis& axis) {
  int i = rank++;
  for (; i > 0 && axes[i - 1].x_stride < axis.x_stride; --i) axes[i] = axes[i - 1];
  axes[i] = axis;
}

void merge(Axis* axes, int& rank) {
  int last = 0;
  for (int i = 1; i < rank; ++i) {
    const Axis& inner = axes[i];
    Axis& outer = axes[last];
    if (outer.x_stride == inner.size * inner.x_stride && outer.y_stride == inner.size * inner.y_stride)
      outer = {outer.size * inner.size, inner.x_stride, inner.y_stride};
    else
      axes[++last] = inner;
  }
  if (rank > 0) rank = last + 1;
}

}  // namespace

DimSet dim_set(const char* op, const Dims& dims, int rank) {
  if (dims.empty()) return (DimSet(1) << rank) - 1;
  DimSet set = 0;
  for (const int64_t dim : dims) {
    const DimSet bit = DimSet(1) << wrap_dim(op, dim, rank);
    if (set & bit) fail("{}: dim {} appears twice in dims {}", op, dim, dims);
    set |= bit;
  }
  return set;
}

Shape reduced_shape(const Shape& shape, DimSet reduced, bool keepdim) {
  Shape result;
  for (int d = 0; d < shape.rank(); ++d) {
    if (!(reduced >> d & 1))
      result.push_back(shape[d]);
    else if (keepdim)
      result.push_back(1);
  }
  return result;
}

ReduceGeometry ReduceGeometry::over(const Layout& x, DimSet reduced) {
  ReduceGeometry g;
  int64_t y_stride = 1;
  for (int d = x.rank() - 1; d >= 0; --d) {
    const int64_t size = x.shape[d];
    const bool is_kept = !(reduced >> d & 1);
    (is_kept ? g.outputs : g.count) *= size;
    if (size != 1) {
      if (is_kept)
        insert(g.kept, g.kept_rank, {size, x.strides[d], y_stride});
      else
        insert(g.reduced, g.reduced_rank, {size, x.strides[d], 0});
    }
    if (is_kept) y_stride *= size;
  }
  constexpr int64_t kMost = int64_t(1) << 50;  // days of work, of a repeated element
  if (g.count > kMost) fail("a reduction of {}, over {} elements, would not end", x.shape, g.count);
  merge(g.kept, g.kept_rank);
  merge(g.reduced, g.reduced_rank);
  return g;
}

}  // namespace kiln::kernels
