#pragma once

#include <kiln/kernels/conv/conv2d.h>

namespace kiln::kernels {

// Whether the gradient of these weights is conv2d_depthwise_weight_grad's: a filter a channel, no wider
// than 7.
bool conv2d_is_depthwise(const Conv2dGeometry& g, DType dtype);

// conv2d_weight_grad for float32 where each channel has a filter of its own. oneDNN's takes up to a hundred
// times as long for kernels other than 3x3. Reads g and x once for each row of the kernel. The bits do not
// depend on the number of threads.
void conv2d_depthwise_weight_grad(CpuContext&, const Conv2dGeometry&, TensorView g, TensorView x,
                                  TensorView dw);

}  // namespace kiln::kernels
