#include <kiln/kernels/reduce/extrema.h>

#include <kiln/kernels/reduce/cpu/extrema_loops.h>

namespace kiln::kernels {

void amax(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_element(x.dtype, "amax",
                [&]<class T>() { cpu::reduce(ctx, cpu::Extreme<T, true>(), g, x.as<T>(), y.as<T>()); });
}

void amin(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_element(x.dtype, "amin",
                [&]<class T>() { cpu::reduce(ctx, cpu::Extreme<T, false>(), g, x.as<T>(), y.as<T>()); });
}

}  // namespace kiln::kernels
