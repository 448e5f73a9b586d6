#pragma once

#include <vector>

#include <kiln/tensor/device/context.h>
#include <kiln/tensor/interpolate_mode.h>

namespace kiln::kernels {

// One side of an image at another size: element i of the result is a weighted sum of the elements
// [begin, begin + weights) of the source. All modes of interpolate are such sums, for each side apart.
struct ResampleTable {
  struct Row {
    int32_t begin = 0;
    std::vector<double> weights;
  };
  int64_t in, out;
  std::vector<Row> rows;  // [out]

  // PyTorch's weights. `scale` is the distance of results, counted in source elements; `wide` computes them
  // in float64, as PyTorch does for float64 only.
  static ResampleTable of(InterpolateMode mode, int64_t in, int64_t out, double scale, bool align_corners,
                          bool antialias, bool wide);
  // The table of the adjoint: from `out` elements to `in`.
  ResampleTable transposed() const;
  // The most weights of a row, at least 1.
  int64_t taps() const;
};
// The distance of results: PyTorch's area_pixel_compute_scale, without a factor that was given.
double resample_scale(int64_t in, int64_t out, bool align_corners);

// x [outer, in, inner] -> y [outer, out, inner], both dense.
struct ResampleGeometry {
  int64_t outer, in, out, inner, taps;
};

// y[o][i][c] = sum of weights[i][k] * x[o][spans[i][0] + k][c] for k < spans[i][1]. x and y are of one
// floating dtype, spans int32 [out, 2], weights [out, taps] in float64 for float64 and in float32 for the
// others. Reads each element of x `taps` times, mostly from the cache; writes y once.
void resample(CpuContext&, const ResampleGeometry&, TensorView x, TensorView spans, TensorView weights,
              TensorView y);
void resample(CudaContext&, const ResampleGeometry&, TensorView x, TensorView spans, TensorView weights,
              TensorView y);

}  // namespace kiln::kernels
