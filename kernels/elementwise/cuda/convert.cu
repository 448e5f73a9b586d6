#include <kiln/kernels/elementwise/cuda/convert.h>

#include <algorithm>

#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>
#include <kiln/kernels/base/cuda/strided.cuh>

namespace kiln::kernels {
namespace {

constexpr int kThreads = 256, kPackBytes = 16;

// Both dense and aligned. The wider type moves in packs of 16 bytes.
template <class From, class To>
struct ConvertPack {
  static constexpr int kSize = kPackBytes / int(std::max(sizeof(From), sizeof(To)));
  using In = gpu::Pack<From, kSize>;
  using Out = gpu::Pack<To, kSize>;
};

template <class From, class To>
__global__ void __launch_bounds__(kThreads)
    convert_dense_kernel(const From* x, To* y, int64_t packs, int64_t count) {
  using P = ConvertPack<From, To>;
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < packs) {
    const typename P::In in = gpu::load(reinterpret_cast<const typename P::In*>(x) + i);
    typename P::Out out;
#pragma unroll
    for (int k = 0; k < P::kSize; ++k) out[k] = cast<To>(in[k]);
    gpu::store(reinterpret_cast<typename P::Out*>(y) + i, out);
  }
  const int64_t tail = packs * P::kSize + i;
  if (tail < count) y[tail] = cast<To>(x[tail]);
}

// The type of x is looked at for each element, the same in all threads: a kernel for each pair of types would
// be a hundred for a path that waits for memory anyway.
template <class To, class Index>
__global__ void __launch_bounds__(kThreads) convert_strided_kernel(Strided<2, Index> walk, DType from) {
  const Index i = Index(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= walk.count) return;
  char* p[2];
  walk.at(i, p);
  To& y = *reinterpret_cast<To*>(p[0]);
  switch (from) {
    case DType::float32:
      y = cast<To>(*reinterpret_cast<const float*>(p[1]));
      break;
    case DType::float64:
      y = cast<To>(*reinterpret_cast<const double*>(p[1]));
      break;
    case DType::float16:
      y = cast<To>(*reinterpret_cast<const __half*>(p[1]));
      break;
    case DType::bfloat16:
      y = cast<To>(*reinterpret_cast<const __nv_bfloat16*>(p[1]));
      break;
    case DType::int64:
      y = cast<To>(*reinterpret_cast<const int64_t*>(p[1]));
      break;
    case DType::int32:
      y = cast<To>(*reinterpret_cast<const int32_t*>(p[1]));
      break;
    case DType::int16:
      y = cast<To>(*reinterpret_cast<const int16_t*>(p[1]));
      break;
    case DType::int8:
      y = cast<To>(*reinterpret_cast<const int8_t*>(p[1]));
      break;
    case DType::uint8:
      y = cast<To>(*reinterpret_cast<const uint8_t*>(p[1]));
      break;
    default:
      y = cast<To>(*reinterpret_cast<const bool*>(p[1]));
  }
}

bool is_aligned(const char* p, int64_t bytes) {
  return reinterpret_cast<uintptr_t>(p) % uintptr_t(bytes) == 0;
}

template <class From, class To>
bool convert_dense(const CudaContext& ctx, const Walk& walk) {
  using P = ConvertPack<From, To>;
  if (walk.rank > 0 || walk.run_strides[0] != int64_t(sizeof(To)) ||
      walk.run_strides[1] != int64_t(sizeof(From)))
    return false;
  if (!is_aligned(walk.data[0], sizeof(typename P::Out)) || !is_aligned(walk.data[1], sizeof(typename P::In)))
    return false;
  const int64_t packs = walk.run / P::kSize;
  launch(ctx, "copy", convert_dense_kernel<From, To>,
         {.grid = blocks_for(std::max<int64_t>(packs, 1), kThreads), .block = kThreads},
         reinterpret_cast<const From*>(walk.data[1]), reinterpret_cast<To*>(walk.data[0]), packs, walk.run);
  return true;
}

}  // namespace

void convert(const CudaContext& ctx, DType from, DType to, const Walk& walk) {
  visit_device_element(from, "copy", [&]<class From>() {
    visit_device_element(to, "copy", [&]<class To>() {
      if constexpr (!std::is_same_v<From, To>) {
        if (walk.runs == 0 || convert_dense<From, To>(ctx, walk)) return;
        with_strided<2>(walk, [&]<class Index>(const Strided<2, Index>& strided) {
          launch(ctx, "copy", convert_strided_kernel<To, Index>,
                 {.grid = blocks_for(int64_t(strided.count), kThreads), .block = kThreads}, strided, from);
        });
      }
    });
  });
}

}  // namespace kiln::kernels
