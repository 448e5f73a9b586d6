#include <kiln/kernels/reduce/norm.h>

#include <kiln/kernels/reduce/cuda/extrema.cuh>
#include <kiln/kernels/reduce/cuda/reduce_loops.cuh>

#include <cmath>

namespace kiln::kernels {
namespace {

template <class T>
struct Additive {
  using Lane = device_accumulate_t<T>;
  T* y;
  __device__ Lane start() const { return 0; }
  __device__ Lane merge(Lane a, Lane b) const { return a + b; }
  __device__ void store(int64_t at, Lane a) const { y[at] = cast<T>(a); }
};

template <class T>
struct CountNonzero : Additive<T> {
  using Lane = device_accumulate_t<T>;
  __device__ Lane add(Lane a, T x, int64_t) const { return cast<Lane>(x) != 0 ? a + 1 : a; }
};

template <class T>
struct SumAbs : Additive<T> {
  using Lane = device_accumulate_t<T>;
  __device__ Lane add(Lane a, T x, int64_t) const { return a + std::abs(cast<Lane>(x)); }
};

template <class T>
struct RootOfSquares : Additive<T> {
  using Lane = device_accumulate_t<T>;
  __device__ Lane add(Lane a, T x, int64_t) const { return a + cast<Lane>(x) * cast<Lane>(x); }
  __device__ void store(int64_t at, Lane a) const { this->y[at] = cast<T>(std::sqrt(a)); }
};

// One copy of pow, not one for each element that a thread has in flight.
template <class A>
__device__ __attribute__((noinline)) A power(A x, A p) {
  return std::pow(x, p);
}

template <class T>
struct RootOfPowers : Additive<T> {
  using Lane = device_accumulate_t<T>;
  Lane p, root;
  __device__ Lane add(Lane a, T x, int64_t) const { return a + power(std::abs(cast<Lane>(x)), p); }
  __device__ void store(int64_t at, Lane a) const { this->y[at] = cast<T>(power(a, root)); }
};

template <class T, bool kMax>
struct ExtremeAbs : Extreme<T, kMax> {
  using Lane = device_accumulate_t<T>;
  __device__ Lane start() const { return kMax ? Lane(0) : std::numeric_limits<Lane>::infinity(); }
  __device__ Lane add(Lane a, T x, int64_t) const { return this->merge(a, std::abs(cast<Lane>(x))); }
};

}  // namespace

void norm(CudaContext& ctx, const ReduceGeometry& g, double p, TensorView x, TensorView y) {
  visit_device_floating(x.dtype, "norm", [&]<class T>() {
    using Lane = device_accumulate_t<T>;
    T* to = y.as<T>();
    const auto run = [&](const auto& op) { reduce(ctx, "norm", op, g, x.as<const T>()); };
    if (p == 0) return run(CountNonzero<T>{{to}});
    if (p == 1) return run(SumAbs<T>{{to}});
    if (p == 2) return run(RootOfSquares<T>{{to}});
    if (std::isinf(p)) return p > 0 ? run(ExtremeAbs<T, true>{{to}}) : run(ExtremeAbs<T, false>{{to}});
    run(RootOfPowers<T>{{to}, Lane(p), Lane(1 / p)});
  });
}

}  // namespace kiln::kernels
