#pragma once

#include <kiln/kernels/base/cpu/parallel.h>
#include <kiln/kernels/base/walk.h>

namespace kiln::kernels {

// Calls f(char* const* pointers, int64_t n) for each run, or for parts of it, in parallel.
template <class F>
void for_each_run(const CpuContext& ctx, const Walk& walk, F&& f) {
  const int count = walk.operands;
  const auto part = [&](char* const* base, int64_t begin, int64_t end) {
    char* pointers[Walk::kOperands];
    for (int k = 0; k < count; ++k) pointers[k] = base[k] + begin * walk.run_strides[k];
    f(static_cast<char* const*>(pointers), end - begin);
  };
  if (walk.runs == 1) {
    parallel_for(ctx, walk.run, kGrain, [&](int64_t begin, int64_t end) { part(walk.data, begin, end); });
    return;
  }
  const auto rows = [&](int64_t first, int64_t last, auto&& row) {
    int64_t index[kMaxRank];
    char* pointers[Walk::kOperands];
    for (int k = 0; k < count; ++k) pointers[k] = walk.data[k];
    int64_t remaining = first;
    for (int d = walk.rank - 1; d >= 0; --d) {
      index[d] = remaining % walk.sizes[d];
      remaining /= walk.sizes[d];
      for (int k = 0; k < count; ++k) pointers[k] += index[d] * walk.strides[k][d];
    }
    for (int64_t i = first; i < last; ++i) {
      row(static_cast<char* const*>(pointers));
      for (int d = walk.rank - 1; d >= 0; --d) {
        for (int k = 0; k < count; ++k) pointers[k] += walk.strides[k][d];
        if (++index[d] < walk.sizes[d]) break;
        for (int k = 0; k < count; ++k) pointers[k] -= walk.strides[k][d] * walk.sizes[d];
        index[d] = 0;
      }
    }
  };
  if (walk.run >= 2 * kGrain) {
    rows(0, walk.runs, [&](char* const* base) {
      parallel_for(ctx, walk.run, kGrain, [&](int64_t begin, int64_t end) { part(base, begin, end); });
    });
  } else {
    const int64_t grain = std::max<int64_t>(1, kGrain / walk.run);
    parallel_for(ctx, walk.runs, grain, [&](int64_t begin, int64_t end) {
      rows(begin, end, [&](char* const* base) { f(base, walk.run); });
    });
  }
}

}  // namespace kiln::kernels
