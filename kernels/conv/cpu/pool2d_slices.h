#pragma once

#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/conv/pool2d.h>

namespace kiln::kernels {

// The unit of parallel work of pooling: up to this many channels of one image. Whoever writes into x's memory
// owns all windows of its slice.
constexpr int64_t kSliceChannels = 64;

// Calls f(image, first channel, channels) for every slice, in parallel.
template <class F>
void each_slice(CpuContext& ctx, const Pool2dGeometry& g, F&& f) {
  const int64_t across = (g.channels + kSliceChannels - 1) / kSliceChannels;
  const int64_t cost = g.height * g.width * std::min(g.channels, kSliceChannels);
  parallel_for(ctx, g.images * across, grain_of(cost), [&](int64_t begin, int64_t end) {
    for (int64_t slice = begin; slice < end; ++slice) {
      const int64_t first = slice % across * kSliceChannels;
      f(slice / across, first, std::min(kSliceChannels, g.channels - first));
    }
  });
}

}  // namespace kiln::kernels
