#pragma once

#include <kiln/kernels/reduce/reduce.h>

namespace kiln::kernels {

// (sum |x|^p)^(1/p) of floating types, for any p; p = 0 counts what is not zero, p = inf and -inf give the
// largest and smallest |x|. Over nothing: 0 (infinity for negative p).
void norm(CpuContext&, const ReduceGeometry&, double p, TensorView x, TensorView y);
void norm(CudaContext&, const ReduceGeometry&, double p, TensorView x, TensorView y);

}  // namespace kiln::kernels
