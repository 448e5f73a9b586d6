#pragma once

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Rows of scores, dense [rows, classes], with one class index each. With p = softmax(x), class weights v (1
// where undefined) and smoothing s, the loss of a row with target t is
//   v[t] * (1 - s) * -log p[t]  +  s / classes * sum over c of v[c] * -log p[c],
// and 0 where t is ignore_index.
struct CrossEntropyGeometry {
  int64_t rows, classes;
  int64_t ignore_index;
  double smoothing;
  bool mean;  // losses and gradients are divided by the sum of v[t] over the rows that count
};

// All dense; `losses` and `log_sums` have the type that x accumulates in (float32 for halves), as has the
// class weight (or is undefined); targets are int64.
//
// Gives the loss of each row before division, the logarithm of the sum of its exponentials, and total[0], the
// sum of v[t] (1 when not `mean`). Returns the first row whose target is no class, or -1; on CUDA always -1:
// the next wait for the device throws `late` (a kept_text, <kiln/tensor/device/found.h>). Reads x twice, from
// memory once.
int64_t cross_entropy(CpuContext&, const CrossEntropyGeometry&, TensorView x, TensorView target,
                      TensorView weight, TensorView losses, TensorView log_sums, TensorView total,
                      const char* late);
int64_t cross_entropy(CudaContext&, const CrossEntropyGeometry&, TensorView x, TensorView target,
                      TensorView weight, TensorView losses, TensorView log_sums, TensorView total,
                      const char* late);

// dx = g * d loss / d x, for a g of x's type with one element for all rows, or (g_per_row) one for each.
void cross_entropy_backward(CpuContext&, const CrossEntropyGeometry&, TensorView x, TensorView target,
                            TensorView weight, TensorView log_sums, TensorView total, TensorView g,
                            bool g_per_row, TensorView dx);
void cross_entropy_backward(CudaContext&, const CrossEntropyGeometry&, TensorView x, TensorView target,
                            TensorView weight, TensorView log_sums, TensorView total, TensorView g,
                            bool g_per_row, TensorView dx);

}  // namespace kiln::kernels
