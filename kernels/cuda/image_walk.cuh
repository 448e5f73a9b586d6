#pragma once

// For sources of kernels/cuda only: a thread a pixel and pack of channels, for kernels on images of [height,
// width, channels].

#include <kiln/kernels/cuda/element.cuh>
#include <kiln/kernels/cuda/launch.cuh>
#include <kiln/kernels/cuda/split.cuh>

namespace kiln::kernels {

inline constexpr int kImageThreads = 256;

struct Pixel {
  int64_t image;
  int row, column;
  int64_t channel;
};

// The pack that stands at element unit * kPack of dense images.
template <int kPack>
__device__ __forceinline__ Pixel pixel_at(int64_t unit, int64_t height, int64_t width, int64_t channels) {
  const Split across = split(unit, channels / kPack), columns = split(across.quotient, width),
              rows = split(columns.quotient, height);
  return {rows.quotient, int(rows.remainder), int(columns.remainder), across.remainder * kPack};
}

__device__ __forceinline__ int64_t unit_of_thread() {
  return int64_t(blockIdx.x) * kImageThreads + threadIdx.x;
}

template <int kPack, class T>
__device__ __forceinline__ gpu::Pack<T, kPack> load_pack(const T* p) {
  return gpu::load(reinterpret_cast<const gpu::Pack<T, kPack>*>(p));
}
template <class T, int kPack>
__device__ __forceinline__ void store_pack(T* p, const gpu::Pack<T, kPack>& pack) {
  gpu::store(reinterpret_cast<gpu::Pack<T, kPack>*>(p), pack);
}

// Calls f.operator()<kPack>(): 16 bytes of T where the channels and all addresses allow them, else 1.
template <class T, class F>
void with_channel_packs(int64_t channels, std::initializer_list<const void*> addresses, const F& f) {
  constexpr int kPack = 16 / sizeof(T);
  bool fits = channels % kPack == 0;
  for (const void* address : addresses) fits = fits && reinterpret_cast<uintptr_t>(address) % 16 == 0;
  fits ? f.template operator()<kPack>() : f.template operator()<1>();
}

}  // namespace kiln::kernels
