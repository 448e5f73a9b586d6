#pragma once

#include <algorithm>
#include <cstdint>

#include <kiln/kernels/base/cpu/pool.h>
#include <kiln/tensor/cpu/context.h>

namespace kiln::kernels {

// Below this many cheap element operations a second thread costs more than it brings.
inline constexpr int64_t kGrain = 32768;

// Calls f(begin, end) for disjoint ranges that cover [0, count), on up to ctx.threads threads, each range at
// least `grain` long but the last; on this thread alone when one range is enough or inside another parallel
// region. With a grain of 64 or more, ranges start at multiples of 64: vector loops then have their scalar
// tail at the end of the whole only, and results do not depend on the number of threads. f must not throw.
template <class F>
void parallel_for(const CpuContext& ctx, int64_t count, int64_t grain, F&& f) {
  if (count <= 0) return;
  if (count <= grain || ctx.threads == 1 || pool::inside()) {
    f(int64_t(0), count);
    return;
  }
  const int64_t ranges = std::min<int64_t>(ctx.threads, (count + grain - 1) / grain);
  const int64_t unit = grain >= 64 ? 64 : 1;
  const int64_t size = ((count + ranges - 1) / ranges + unit - 1) / unit * unit;
  auto range = [&] {
    const int64_t begin = pool::member() * size, end = std::min(count, begin + size);
    if (begin < end) f(begin, end);
  };
  pool::run(
      int(ranges), [](void* data) { (*static_cast<decltype(range)*>(data))(); }, &range,
      pool::Busy::run_alone);
}

}  // namespace kiln::kernels
