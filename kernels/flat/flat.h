#pragma once

#include <span>

#include <kiln/tensor/device/context.h>

// Arithmetic on lists of contiguous stretches of memory (gradients in an optimiser's arena, say), as if they
// were one long vector. Floating dtypes; the stretches must not overlap. One pass each.

namespace kiln::kernels {

struct FlatSpan {
  void* data;
  DType dtype;
  int64_t count;
};
using FlatSpans = std::span<const FlatSpan>;

// norm = (sum |x|^p)^(1/p), the largest |x| for p = infinity, 0 of nothing. p > 0. `norm` is a 0-dim float64,
// sums are formed in float64 in an order that depends on the sizes alone. NaN if any x is.
void flat_norm(CpuContext&, FlatSpans xs, double p, TensorView norm);
void flat_norm(CudaContext&, FlatSpans xs, double p, TensorView norm);

// x *= min(1, max_norm / (norm + 1e-6)), with `norm` as flat_norm left it; NaN makes all x NaN.
void flat_clip_norm(CpuContext&, FlatSpans xs, double max_norm, TensorView norm);
void flat_clip_norm(CudaContext&, FlatSpans xs, double max_norm, TensorView norm);

// x = min(max(x, low), high); NaN stays.
void flat_clamp(CpuContext&, FlatSpans xs, double low, double high);
void flat_clamp(CudaContext&, FlatSpans xs, double low, double high);

void flat_zero(CpuContext&, FlatSpans xs);
void flat_zero(CudaContext&, FlatSpans xs);

// finite (0-dim bool) = no x is infinite or NaN.
void flat_all_finite(CpuContext&, FlatSpans xs, TensorView finite);
void flat_all_finite(CudaContext&, FlatSpans xs, TensorView finite);

// x = x / scale; found = 1 if any x was infinite or NaN, else it stays. scale is a 0-dim float32 (a power of
// 2 makes it exact), found a 0-dim int32.
void flat_unscale(CpuContext&, FlatSpans xs, TensorView scale, TensorView found);
void flat_unscale(CudaContext&, FlatSpans xs, TensorView scale, TensorView found);

}  // namespace kiln::kernels
