#pragma once

#include <kiln/tensor/cuda/context.h>
#include <kiln/tensor/device/context.h>

#include "move.h"

namespace kiln::test {

// Runs f(ctx, tensors) on the CPU and, with copies of the tensors, on the GPU, and returns what the GPU left
// in its copies:
//   const Tensors gpu = run_on_both({x, y}, [](auto& ctx, auto& t) { kernels::softmax(ctx, t[0], t[1]); });
// f may run with the GPU's tensors only: whatever it reads on the host is of the host.
template <class F>
Tensors run_on_both(const Tensors& tensors, F&& f) {
  Tensors gpu;
  for (const Tensor& x : tensors) gpu.push_back(on_cuda(x));
  f(CudaContext::current(), gpu);
  f(CpuContext::current(), tensors);
  for (Tensor& x : gpu) x = on_cpu(x);
  return gpu;
}

// The same dtype, layout and bits in the whole storage (so nothing beside the result was written).
bool bits_equal(const Tensor& a, const Tensor& b);

// Same shape and dtype, |a - b| <= atol + rtol |b| element by element, NaN equal to NaN, infinities to
// themselves.
bool close(const Tensor& a, const Tensor& b, double rtol, double atol = 0);

}  // namespace kiln::test
