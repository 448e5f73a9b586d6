#include <kiln/kernels/softmax/losses.h>

#include <kiln/kernels/base/cuda/found_error.cuh>
#include <kiln/kernels/base/cuda/row_group.cuh>
#include <kiln/kernels/elementwise/cuda/elementwise.cuh>

namespace kiln::kernels {
namespace {

// Each block takes as many elements, however many there are, so that the sum has one order.
constexpr int64_t kChunk = 16 * kRowThreads;

template <class T>
__global__ void __launch_bounds__(kRowThreads)
    squared_error_kernel(const T* x, const T* t, int64_t count, double* partial) {
  using A = device_accumulate_t<T>;
  const int64_t begin = int64_t(blockIdx.x) * kChunk, end = begin + kChunk < count ? begin + kChunk : count;
  A mine = 0;
  each_pack<kBlockRow>(x + begin, end - begin, are_alike(x, t), [&](int64_t first, auto size) {
    const auto values = load_at<size()>(x + begin + first), targets = load_at<size()>(t + begin + first);
#pragma unroll
    for (int e = 0; e < size(); ++e) {
      const A difference = cast<A>(values[e]) - cast<A>(targets[e]);
      mine += difference * difference;
    }
  });
  const A total = group_sum<kBlockRow>(mine);
  if (threadIdx.x == 0) partial[blockIdx.x] = double(total);
}

// One block.
template <class T>
__global__ void __launch_bounds__(kRowThreads)
    scaled_total_kernel(const double* partial, int64_t count, double scale, T* y) {
  double mine = 0;
  for (int64_t i = threadIdx.x; i < count; i += kRowThreads) mine += partial[i];
  const double total = group_sum<kBlockRow>(mine);
  if (threadIdx.x == 0) *y = cast<T>(scale * total);
}

template <class T>
__global__ void __launch_bounds__(kRowThreads)
    find_improbable_kernel(const T* x, int64_t count, cuda::FoundError* error, const char* message) {
  using A = device_accumulate_t<T>;
  const int64_t i = int64_t(blockIdx.x) * kRowThreads + threadIdx.x;
  if (i >= count) return;
  const A p = cast<A>(x[i]);
  if (!(p >= 0 && p <= 1)) report_found(error, message, __double_as_longlong(double(p)), i, 1);
}

template <class A>
struct ScaledDifference {
  A scale;
  __device__ A operator()(A x, A t, A g) const { return g * scale * (x - t); }
};

}  // namespace

void squared_error(CudaContext& ctx, double scale, TensorView x, TensorView t, TensorView y) {
  const int64_t count = x.numel(), blocks = (count + kChunk - 1) / kChunk;
  const Tensor partial = empty_on(ctx, {blocks}, float64);
  const TensorView sums = partial;
  visit_device_floating(x.dtype, "mse_loss", [&]<class T>() {
    launch(ctx, "mse_loss", squared_error_kernel<T>, {.grid = blocks_for(blocks, 1), .block = kRowThreads},
           x.as<T>(), t.as<T>(), count, sums.as<double>());
    launch(ctx, "mse_loss", scaled_total_kernel<T>, {.grid = 1, .block = kRowThreads}, sums.as<double>(),
           blocks, scale, y.as<T>());
  });
}

void scaled_difference(CudaContext& ctx, double scale, TensorView x, TensorView t, TensorView g,
                       TensorView d) {
  visit_device_floating(x.dtype, "mse_loss", [&]<class T>() {
    using A = device_accumulate_t<T>;
    elementwise<T, T, T, T>(ctx, "mse_loss", ScaledDifference<A>{A(scale)}, d, {x, t, g});
  });
}

int64_t find_improbable(CudaContext& ctx, TensorView x, const char* late) {
  visit_device_floating(x.dtype, "binary_cross_entropy", [&]<class T>() {
    launch(ctx, "binary_cross_entropy", find_improbable_kernel<T>,
           {.grid = blocks_for(x.numel(), kRowThreads), .block = kRowThreads}, x.as<T>(), x.numel(),
           cuda::found_error(), late);
  });
  return -1;
}

}  // namespace kiln::kernels
