#pragma once

// For sources of kernels/cuda only.

#include <kiln/kernels/cuda/gpu.cuh>

namespace kiln::kernels {

// Count, mean and sum of squared deviations of a set of values.
template <class Acc>
struct Moments {
  Acc count, mean, squares;
};

// Of two sets that have no value in common (Chan, Golub & LeVeque, 1979).
struct MergeMoments {
  template <class Acc>
  __device__ __forceinline__ Moments<Acc> operator()(const Moments<Acc>& a, const Moments<Acc>& b) const {
    const Acc count = a.count + b.count;
    if (count == 0) return a;
    const Acc delta = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + delta * share, a.squares + b.squares + delta * delta * a.count * share};
  }
};

}  // namespace kiln::kernels
