#pragma once

#include <kiln/tensor/device/context.h>

// Reductions over any set of dimensions.

namespace kiln::kernels {

// A set of dimensions, one bit each. No dims: all. Throws for one that is out of range or named twice.
using DimSet = uint32_t;
DimSet dim_set(const char* op, const Dims& dims, int rank);

// The shape that is left; reduced dimensions have size 1 with keepdim.
Shape reduced_shape(const Shape& shape, DimSet reduced, bool keepdim);

// A reduction of x to a row-major y, as two nests of loops: over the elements of y and, for each of them,
// over the elements of x that it gathers. Both are ordered by x's memory, longest stride first, and
// neighbours that one loop can walk are merged. Axes of size 1 are gone. A pure value.
struct ReduceGeometry {
  struct Axis {
    int64_t size, x_stride, y_stride;
  };
  Axis kept[kMaxRank], reduced[kMaxRank];
  int kept_rank = 0, reduced_rank = 0;
  int64_t outputs = 1, count = 1;  // elements of y, and of x for each

  static ReduceGeometry over(const Layout& x, DimSet reduced);
};

// Results are independent of the number of threads. Floats are added in blocks whose sums are added in
// float64, halves in float32; integers and bool are added in int64 and need a y of int64. Reads x once.
void sum(CpuContext&, const ReduceGeometry&, TensorView x, TensorView y);
void sum(CudaContext&, const ReduceGeometry&, TensorView x, TensorView y);
// Of floating types; NaN over nothing.
void mean(CpuContext&, const ReduceGeometry&, TensorView x, TensorView y);
void mean(CudaContext&, const ReduceGeometry&, TensorView x, TensorView y);
// The product; types as sum.
void prod(CpuContext&, const ReduceGeometry&, TensorView x, TensorView y);
void prod(CudaContext&, const ReduceGeometry&, TensorView x, TensorView y);
// Whether an element is not zero (NaN is not), or every one; y is bool.
void any(CpuContext&, const ReduceGeometry&, TensorView x, TensorView y);
void any(CudaContext&, const ReduceGeometry&, TensorView x, TensorView y);
void all(CpuContext&, const ReduceGeometry&, TensorView x, TensorView y);
void all(CudaContext&, const ReduceGeometry&, TensorView x, TensorView y);

}  // namespace kiln::kernels
