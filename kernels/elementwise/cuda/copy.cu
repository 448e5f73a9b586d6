#include <kiln/kernels/elementwise/copy.h>

#include <kiln/kernels/elementwise/cuda/convert.h>
#include <kiln/kernels/elementwise/cuda/transpose.h>
#include <kiln/kernels/elementwise/cuda/elementwise.cuh>

namespace kiln::kernels {
namespace {

struct Same {
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
  elementwise_parts<T, T>(ctx, "copy", Same{}, y, std::index_sequence<0>(), operands);
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
  const Walk walk(y, x);
  if (x.dtype != y.dtype)
    convert(ctx, x.dtype, y.dtype, walk);
  else if (!copy_transposed(ctx, walk, size_of(x.dtype)))
    move(ctx, x, y);
}

}  // namespace kiln::kernels
