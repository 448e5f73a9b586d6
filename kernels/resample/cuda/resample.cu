#include <kiln/kernels/resample/resample.h>
#include <kiln/kernels/base/cuda/image_walk.cuh>

namespace kiln::kernels {
namespace {

// Results of a warp lie next to each other: over `inner`, or where that is 1 over the side itself.
template <class T, int kPack>
__global__ void __launch_bounds__(kImageThreads)
    resample_kernel(ResampleGeometry g, PixelWalk walk, const T* x, const int32_t* spans,
                    const device_accumulate_t<T>* weights, T* y) {
  using Acc = device_accumulate_t<T>;
  const uint32_t unit = unit_of_thread();
  if (unit >= walk.units) return;
  const Pixel at = pixel_at<kPack>(walk, unit);
  const int begin = spans[2 * at.column], count = spans[2 * at.column + 1];
  const T* in = x + (at.image * g.in + begin) * g.inner + at.channel;
  const Acc* w = weights + at.column * g.taps;
  Acc sums[kPack] = {};
  for (int k = 0; k < count; ++k) {
    const auto values = load_pack<kPack>(in + k * g.inner);
    const Acc weight = w[k];
#pragma unroll
    for (int e = 0; e < kPack; ++e) sums[e] += weight * cast<Acc>(values[e]);
  }
  gpu::Pack<T, kPack> out;
#pragma unroll
  for (int e = 0; e < kPack; ++e) out[e] = cast<T>(sums[e]);
  store_pack(y + int64_t(unit) * kPack, out);
}

}  // namespace

void resample(CudaContext& ctx, const ResampleGeometry& g, TensorView x, TensorView spans, TensorView weights,
              TensorView y) {
  visit_device_floating(x.dtype, "interpolate", [&]<class T>() {
    with_channel_packs<T>(g.inner, {x.data, y.data}, [&]<int kPack>() {
      each_walk<kPack>(g.outer, 1, g.out, g.inner, [&](int64_t first, const PixelWalk& walk) {
        launch(ctx, "interpolate", resample_kernel<T, kPack>, walk.launch(), g, walk,
               x.as<const T>() + first * g.in * g.inner, spans.as<const int32_t>(),
               weights.as<const device_accumulate_t<T>>(), y.as<T>() + first * g.out * g.inner);
      });
    });
  });
}

}  // namespace kiln::kernels
