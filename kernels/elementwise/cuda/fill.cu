#include <kiln/kernels/elementwise/fill.h>

#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/strided.cuh>

namespace kiln::kernels {
namespace {

constexpr int kThreads = 256, kPackBytes = 16;

// Stores `head` single elements up to the first address that is a multiple of 16, then packs, then the rest.
template <class T>
__global__ void __launch_bounds__(kThreads)
    fill_dense_kernel(T* y, T value, int64_t head, int64_t packs, int64_t count) {
  using Pack = gpu::Pack<T, kPackBytes / sizeof(T)>;
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < packs) {
    Pack pack;
#pragma unroll
    for (int k = 0; k < Pack::size; ++k) pack[k] = value;
    gpu::store(reinterpret_cast<Pack*>(y + head) + i, pack);
  }
  const int64_t tail = head + packs * Pack::size + i;
  if (i < head) y[i] = value;
  if (tail < count) y[tail] = value;
}

template <class T, class Index>
__global__ void __launch_bounds__(kThreads) fill_strided_kernel(Strided<1, Index> y, T value) {
  const Index i = Index(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= y.count) return;
  char* p[1];
  y.at(i, p);
  *reinterpret_cast<T*>(p[0]) = value;
}

// T is the unsigned integer of the element's size: only its bits matter.
template <class T>
void fill_bits(const CudaContext& ctx, const Walk& walk, T value) {
  if (walk.rank > 0 || walk.run_strides[0] != int64_t(sizeof(T))) {
    with_strided<1>(walk, [&]<class Index>(const Strided<1, Index>& y) {
      launch(ctx, "fill", fill_strided_kernel<T, Index>,
             {.grid = blocks_for(int64_t(y.count), kThreads), .block = kThreads}, y, value);
    });
    return;
  }
  constexpr int64_t kPackSize = kPackBytes / sizeof(T);
  T* y = reinterpret_cast<T*>(walk.data[0]);
  const int64_t misaligned = int64_t(reinterpret_cast<uintptr_t>(y) % kPackBytes / sizeof(T));
  const int64_t head = std::min(walk.run, (kPackSize - misaligned) % kPackSize);
  const int64_t packs = (walk.run - head) / kPackSize;
  // At least one block: head and tail are shorter than a pack.
  launch(ctx, "fill", fill_dense_kernel<T>,
         {.grid = blocks_for(std::max<int64_t>(packs, 1), kThreads), .block = kThreads}, y, value, head,
         packs, walk.run);
}

template <class T>
struct ArangeReal {
  double start, step;
  __device__ T operator()(int64_t i) const { return cast<T>(start + double(i) * step); }
};

template <class T>
struct ArangeInteger {
  int64_t start, step;
  __device__ T operator()(int64_t i) const { return T(uint64_t(start) + uint64_t(i) * uint64_t(step)); }
};

template <class T>
struct Linspace {
  double start, end, step;
  int64_t count;
  __device__ T operator()(int64_t i) const {
    return cast<T>(i < count / 2 || count == 1 ? start + double(i) * step
                                               : end - double(count - 1 - i) * step);
  }
};

template <class T, class F>
__global__ void __launch_bounds__(kThreads) generate_kernel(T* y, int64_t stride, int64_t count, F f) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) y[i * stride] = f(i);
}

template <class T, class F>
void generate(const CudaContext& ctx, const char* op, const TensorView& y, F f) {
  launch(ctx, op, generate_kernel<T, F>, {.grid = blocks_for(y.numel(), kThreads), .block = kThreads},
         y.as<T>(), y.layout->strides[0], y.numel(), f);
}

}  // namespace

void fill(CudaContext& ctx, const Scalar& value, TensorView y) {
  const Walk walk(y);
  visit_device_element(y.dtype, "fill", [&]<class T>() {
    if (walk.runs == 0) return;
    const T element = element_of<T>(value);
    if constexpr (sizeof(T) == 8)
      fill_bits(ctx, walk, std::bit_cast<uint64_t>(element));
    else if constexpr (sizeof(T) == 4)
      fill_bits(ctx, walk, std::bit_cast<uint32_t>(element));
    else if constexpr (sizeof(T) == 2)
      fill_bits(ctx, walk, std::bit_cast<uint16_t>(element));
    else
      fill_bits(ctx, walk, std::bit_cast<uint8_t>(element));
  });
}

void arange(CudaContext& ctx, const Scalar& start, const Scalar& step, TensorView y) {
  visit_device_number(y.dtype, "arange", [&]<class T>() {
    if constexpr (std::is_integral_v<T>)
      generate<T>(ctx, "arange", y, ArangeInteger<T>{start.integer(), step.integer()});
    else
      generate<T>(ctx, "arange", y, ArangeReal<T>{start.real(), step.real()});
  });
}

void linspace(CudaContext& ctx, double start, double end, TensorView y) {
  const int64_t count = y.numel();
  const double step = count > 1 ? (end - start) / double(count - 1) : 0;
  visit_device_floating(y.dtype, "linspace", [&]<class T>() {
    generate<T>(ctx, "linspace", y, Linspace<T>{start, end, step, count});
  });
}

}  // namespace kiln::kernels
