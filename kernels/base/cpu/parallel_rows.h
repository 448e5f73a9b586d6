#pragma once

#include <kiln/kernels/base/cpu/parallel.h>

namespace kiln::kernels {

// The grain of parallel_for over items of `cost` cheap element operations each.
inline int64_t grain_of(int64_t cost) { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, cost)); }

}  // namespace kiln::kernels
