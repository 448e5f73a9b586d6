#include <kiln/kernels/elementwise/cpu/elementwise.h>
#include <kiln/kernels/elementwise/unary.h>
#include <kiln/kernels/elementwise/unary_functions.h>

namespace kiln::kernels {
namespace {

template <class Function, class T>
void run(const void* const* in, void* out, int64_t n, const void* parameters) {
  const Function function = *static_cast<const Function*>(parameters);
  const T *saved = static_cast<const T*>(in[0]), *g = static_cast<const T*>(in[1]);
  T* dx = static_cast<T*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) dx[i] = g[i] * function.df(saved[i]);
}

}  // namespace

void unary_backward(CpuContext& ctx, UnaryOp op, const UnaryParameters& parameters, TensorView saved,
                    TensorView g, TensorView dx) {
  math::visit_unary(op, parameters, [&]<class Function>(const Function& function) {
    const bool wide = dx.dtype == float64;
    const BlockRun block = wide ? run<Function, double> : run<Function, float>;
    const DType type = wide ? float64 : float32;
    elementwise(ctx, "unary_backward", {type, type, block, &function, true}, dx, {saved, g});
  });
}

}  // namespace kiln::kernels
