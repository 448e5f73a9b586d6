#pragma once

#include <limits>

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Normalisation of each channel over all its values (Ioffe & Szegedy, 2015). A dense tensor is seen as
// [outer, channels, inner]: inner is 1 in channels-last order and for [N,C].
struct BatchNormGeometry {
  int64_t outer, channels, inner;

  // x is contiguous or, with rank 4, dense in channels-last order.
  static BatchNormGeometry of(const Layout& x);
  int64_t values() const { return outer * inner; }  // of a channel
};

// x, y, residual, g and their gradients are dense in the geometry's order and of one floating dtype. The
// vectors [channels] are contiguous, in float64 for float64 and in float32 for the others. Sums are formed in
// chunks of a fixed size, merged in float64: results do not depend on the number of threads.

// The vectors of a normalisation: y = (x - mean) * rstd * weight + bias. weight and bias may be undefined: 1,
// 0. A fused relu ends at relu_max; NaN: nowhere.
struct BatchNormVectors {
  TensorView mean, rstd, weight, bias;
  double relu_max = std::numeric_limits<double>::quiet_NaN();
};

// What training keeps of the batches: running = (1 - momentum) * running + momentum * (mean, unbiased
// variance), and batches (int64, one element) += 1. mean and var are both defined or both not; batches may
// be.
struct BatchNormRunning {
  TensorView mean, var, batches;
  double momentum;
};

// mean and rstd = 1 / sqrt(variance + eps) of x. Reads x once (in cache twice).
void batch_norm_statistics(CpuContext&, const BatchNormGeometry&, TensorView x, double eps,
                           const BatchNormRunning&, TensorView mean, TensorView rstd);
void batch_norm_statistics(CudaContext&, const BatchNormGeometry&, TensorView x, double eps,
                           const BatchNormRunning&, TensorView mean, TensorView rstd);

// y = (x - mean) * rstd * weight + bias, plus residual when it is defined, then max(0, .) and min(.,
// relu_max) when relu. Moves 2 (3 with residual) elements an element.
void batch_norm_apply(CpuContext&, const BatchNormGeometry&, TensorView x, const BatchNormVectors&,
                      TensorView residual, bool relu, TensorView y);
void batch_norm_apply(CudaContext&, const BatchNormGeometry&, TensorView x, const BatchNormVectors&,
                      TensorView residual, bool relu, TensorView y);

// Both, on the device in one launch: mean and rstd of the vectors are results.
void batch_norm_train(CpuContext&, const BatchNormGeometry&, TensorView x, double eps,
                      const BatchNormRunning&, const BatchNormVectors&, TensorView residual, bool relu,
                      TensorView y);
void batch_norm_train(CudaContext&, const BatchNormGeometry&, TensorView x, double eps,
                      const BatchNormRunning&, const BatchNormVectors&, TensorView residual, bool relu,
                      TensorView y);

// What the gradient passes through the fused relu of batch_norm_apply: everything; where the normalised x
// (computed again, bit by bit) is positive and below relu_max; where the result y is.
enum class BatchNormMask : uint8_t { none, from_x, from_y };

// dweight = sum(g * mask * (x - mean) * rstd), dbias = sum(g * mask). With from_y, y is read and g * mask is
// written to masked_g. Moves 2 (4) elements an element.
void batch_norm_sums(CpuContext&, const BatchNormGeometry&, TensorView x, TensorView g, TensorView y,
                     const BatchNormVectors&, BatchNormMask, TensorView dweight, TensorView dbias,
                     TensorView masked_g);
void batch_norm_sums(CudaContext&, const BatchNormGeometry&, TensorView x, TensorView g, TensorView y,
                     const BatchNormVectors&, BatchNormMask, TensorView dweight, TensorView dbias,
                     TensorView masked_g);

// The gradient of x from those sums (undefined: mean and rstd were constants, as in inference). With from_y,
// g is masked_g already. Moves 3 elements an element.
void batch_norm_input_grad(CpuContext&, const BatchNormGeometry&, TensorView x, TensorView g,
                           const BatchNormVectors&, BatchNormMask, TensorView dweight, TensorView dbias,
                           TensorView dx);
void batch_norm_input_grad(CudaContext&, const BatchNormGeometry&, TensorView x, TensorView g,
                           const BatchNormVectors&, BatchNormMask, TensorView dweight, TensorView dbias,
                           TensorView dx);

// Both, for x normalised by its own statistics; on the device in one launch.
void batch_norm_backward(CpuContext&, const BatchNormGeometry&, TensorView x, TensorView g, TensorView y,
                         const BatchNormVectors&, BatchNormMask, TensorView dweight, TensorView dbias,
                         TensorView masked_g, TensorView dx);
void batch_norm_backward(CudaContext&, const BatchNormGeometry&, TensorView x, TensorView g, TensorView y,
                         const BatchNormVectors&, BatchNormMask, TensorView dweight, TensorView dbias,
                         TensorView masked_g, TensorView dx);

}  // namespace kiln::kernels
