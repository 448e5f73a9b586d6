#pragma once

// For sources of kernels only: a thread a pixel and pack of channels, for kernels on images of [height,
// width, channels].

#include <kiln/kernels/base/cuda/divisor.h>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>

#include <algorithm>

namespace kiln::kernels {

inline constexpr int kImageThreads = 256;

struct Pixel {
  int64_t image;
  int row, column;
  int64_t channel;
};

// The packs of dense images in the order of memory, a thread each, as one launch takes them.
struct PixelWalk {
  uint32_t units;
  Divisor packs, width, height;

  PixelWalk(int64_t images, int64_t rows, int64_t columns, int64_t packs_a_pixel)
      : units(uint32_t(images * rows * columns * packs_a_pixel)),
        packs(uint32_t(packs_a_pixel)),
        width(uint32_t(columns)),
        height(uint32_t(rows)) {}
  gpu::Launch launch() const { return {.grid = blocks_for(units, kImageThreads), .block = kImageThreads}; }
};

__device__ __forceinline__ uint32_t unit_of_thread() { return blockIdx.x * kImageThreads + threadIdx.x; }

template <int kPack>
__device__ __forceinline__ Pixel pixel_at(const PixelWalk& walk, uint32_t unit) {
  const uint32_t column = walk.packs.divide(unit), row = walk.width.divide(column),
                 image = walk.height.divide(row);
  return {int64_t(image), int(row - image * walk.height.value), int(column - row * walk.width.value),
          int64_t(unit - column * walk.packs.value) * kPack};
}

// Calls f(first, walk over the images from there) for as few launches as 32-bit numbers allow.
template <int kPack, class F>
void each_walk(int64_t images, int64_t rows, int64_t columns, int64_t channels, const F& f) {
  constexpr int64_t kMostUnits = (int64_t(1) << 31) - kImageThreads;
  const int64_t packs = channels / kPack, units = rows * columns * packs;
  if (images * units == 0) return;
  if (units > kMostUnits)
    detail::throw_error("cuda: an image with this many elements does not fit into one launch");
  const int64_t most = kMostUnits / units;
  for (int64_t first = 0; first < images; first += most)
    f(first, PixelWalk(std::min(most, images - first), rows, columns, packs));
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
