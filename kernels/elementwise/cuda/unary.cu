#include <kiln/kernels/elementwise/unary.h>

#include <kiln/kernels/elementwise/unary_functions.h>
#include <kiln/kernels/elementwise/cuda/elementwise.cuh>

namespace kiln::kernels {
namespace {

template <class Function>
struct Forward {
  static constexpr int kBlocks = 4;
  Function function;
  template <class T>
  __device__ T operator()(T x) const {
    return function.f(x);
  }
};

}  // namespace

void unary(CudaContext& ctx, UnaryOp op, const UnaryParameters& parameters, TensorView x, TensorView y) {
  math::visit_unary(op, parameters, [&]<class Function>(const Function& function) {
    visit_device_floating(y.dtype, "unary", [&]<class T>() {
      elementwise<T, T>(ctx, "unary", Forward<Function>{function}, y, {x});
    });
  });
}

}  // namespace kiln::kernels
