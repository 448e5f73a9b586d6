#pragma once

#include <kiln/kernels/conv/conv2d.h>

namespace kiln::kernels {

// Whether the gradient of these weights is conv2d_depthwise_weight_grad's: a filter a channel, larger than
// 3x3 and not wider than 7. oneDNN's takes 10 to 30 times as long for those, half as long for 3x3.
bool conv2d_is_depthwise(const Conv2dGeometry& g, DType dtype);

// conv2d_weight_grad for float32 where each channel has a filter of its own. Reads g and x once for each row
// of the kernel. The bits do not depend on the number of threads.
void conv2d_depthwise_weight_grad(CpuContext&, const Conv2dGeometry&, TensorView g, TensorView x,
                                  TensorView dw);

}  // namespace kiln::kernels
