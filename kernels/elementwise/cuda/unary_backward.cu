#include <kiln/kernels/elementwise/unary.h>
#include <kiln/kernels/elementwise/unary_functions.h>
#include <kiln/kernels/elementwise/cuda/elementwise.cuh>

namespace kiln::kernels {
namespace {

template <class Function>
struct Backward {
  static constexpr int kBlocks = 4;
  Function function;
  template <class T>
  __device__ T operator()(T saved, T g) const {
    return g * function.df(saved);
  }
};

}  // namespace

void unary_backward(CudaContext& ctx, UnaryOp op, const UnaryParameters& parameters, TensorView saved,
                    TensorView g, TensorView dx) {
  math::visit_unary(op, parameters, [&]<class Function>(const Function& function) {
    visit_device_floating(dx.dtype, "unary_backward", [&]<class T>() {
      elementwise<T, T, T>(ctx, "unary_backward", Backward<Function>{function}, dx, {saved, g});
    });
  });
}

}  // namespace kiln::kernels
