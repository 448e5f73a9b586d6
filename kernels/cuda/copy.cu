#include <kiln/kernels/copy.h>

#include <kiln/kernels/cuda/elementwise.cuh>

namespace kiln::kernels {
namespace {

struct Convert {
  template <class T>
  __device__ T operator()(T x) const {
    return x;
  }
};

struct alignas(16) Bytes16 {
  uint64_t low, high;
};

// T has the size of the elements: only the bits matter.
template <class T>
void move(CudaContext& ctx, const TensorView& x, const TensorView& y) {
  const Operand operands[] = {x};
  elementwise_parts<T, T>(ctx, "copy", Convert{}, y, std::index_sequence<0>(), operands);
}

void move(CudaContext& ctx, const TensorView& x, const TensorView& y) {
  switch (size_of(x.dtype)) {
    case 1:
      return move<uint8_t>(ctx, x, y);
    case 2:
      return move<uint16_t>(ctx, x, y);
    case 4:
      return move<uint32_t>(ctx, x, y);
    case 8:
      return move<uint64_t>(ctx, x, y);
    default:
      return move<Bytes16>(ctx, x, y);
  }
}

}  // namespace

void copy(CudaContext& ctx, TensorView x, TensorView y) {
  if (x.dtype == y.dtype) return move(ctx, x, y);
  const Operand operands[] = {x};
  visit_device_element(x.dtype, "copy", [&]<class From>() {
    visit_device_element(y.dtype, "copy", [&]<class To>() {
      elementwise_parts<To, From>(ctx, "copy", Convert{}, y, std::index_sequence<0>(), operands);
    });
  });
}

}  // namespace kiln::kernels
