#pragma once

#include <optional>

#include <kiln/kernels/base/dim_geometry.h>
#include <kiln/tensor/device/context.h>

// Indexing along one dimension. All tensors are dense row-major, indices int64 and in range (see
// find_outside).

namespace kiln::kernels {

// The first position whose index is not in 0 .. size-1, nor the ignored one; -1 when there is none. On CUDA
// always -1: the next wait for the device throws `late` (a kept_text, <kiln/tensor/device/found.h>).
int64_t find_outside(CpuContext&, int64_t size, std::optional<int64_t> ignored, TensorView index,
                     const char* late);
int64_t find_outside(CudaContext&, int64_t size, std::optional<int64_t> ignored, TensorView index,
                     const char* late);

// A loop over index's elements. The element of x that belongs to one stands at the same position in all
// dimensions but `dim`.
struct GatherGeometry {
  int rank = 1;
  int dim = 0;
  int64_t index_sizes[kMaxRank] = {1};
  int64_t x_strides[kMaxRank] = {1};

  static GatherGeometry of(const Shape& index, const Shape& x, int dim);
};

// y[..., i, ...] = x[..., index[..., i, ...], ...]; y has index's shape.
void gather(CpuContext&, const GatherGeometry&, TensorView x, TensorView index, TensorView y);
void gather(CudaContext&, const GatherGeometry&, TensorView x, TensorView index, TensorView y);
// x[..., index[..., i, ...], ...] += source[..., i, ...], in order; source has index's shape.
void scatter_add(CpuContext&, const GatherGeometry&, TensorView index, TensorView source, TensorView x);
void scatter_add(CudaContext&, const GatherGeometry&, TensorView index, TensorView source, TensorView x);

// y[o, i, :] = x[o, index[i], :] for x [outer, size, inner], and y[o, index[i], :] += source[o, i, :] in
// order. The geometry is that of x, or of the y that is added to.
void index_select(CpuContext&, const DimGeometry& g, TensorView x, TensorView index, TensorView y);
void index_select(CudaContext&, const DimGeometry& g, TensorView x, TensorView index, TensorView y);
void index_add(CpuContext&, const DimGeometry& g, TensorView index, TensorView source, TensorView y);
void index_add(CudaContext&, const DimGeometry& g, TensorView index, TensorView source, TensorView y);
// y[o, index[i], :] = source[o, i, :]; of equal indices the last one stays.
void index_copy(CpuContext&, const DimGeometry& g, TensorView index, TensorView source, TensorView y);
void index_copy(CudaContext&, const DimGeometry& g, TensorView index, TensorView source, TensorView y);

}  // namespace kiln::kernels
