#include <kiln/kernels/reduce/reduce.h>

#include <kiln/kernels/reduce/cuda/reduce_loops.cuh>

namespace kiln::kernels {
namespace {

template <class T>
inline constexpr bool is_real = is_half_v<T> || std::is_floating_point_v<T>;
// Integers wrap around: their totals are unsigned.
template <class T>
using total_t = std::conditional_t<is_real<T>, device_accumulate_t<T>, uint64_t>;
template <class T>
using sum_t = std::conditional_t<is_real<T>, T, int64_t>;

template <class T>
struct Sum {
  using Lane = total_t<T>;
  sum_t<T>* y;
  Lane count;  // that the sum is divided by

  __device__ Lane start() const { return 0; }
  __device__ Lane add(Lane a, T x, int64_t) const { return a + cast<Lane>(x); }
  __device__ Lane merge(Lane a, Lane b) const { return a + b; }
  __device__ void store(int64_t at, Lane a) const { y[at] = cast<sum_t<T>>(count == 1 ? a : a / count); }
};

template <class T>
struct Product {
  using Lane = total_t<T>;
  sum_t<T>* y;

  __device__ Lane start() const { return 1; }
  __device__ Lane add(Lane a, T x, int64_t) const { return a * cast<Lane>(x); }
  __device__ Lane merge(Lane a, Lane b) const { return a * b; }
  __device__ void store(int64_t at, Lane a) const { y[at] = cast<sum_t<T>>(a); }
};

// Whether any element is not zero, or all are.
template <class T>
struct Truth {
  using Lane = int;
  bool* y;
  bool all;

  __device__ int start() const { return all; }
  __device__ int add(int a, T x, int64_t) const { return merge(a, cast<bool>(x)); }
  __device__ int merge(int a, int b) const { return all ? a & b : a | b; }
  __device__ void store(int64_t at, int a) const { y[at] = a != 0; }
};

void truth(CudaContext& ctx, const char* name, bool all, const ReduceGeometry& g, const TensorView& x,
           const TensorView& y) {
  visit_device_element(x.dtype, name, [&]<class T>() {
    reduce(ctx, name, Truth<T>{y.as<bool>(), all}, g, x.as<const T>());
  });
}

}  // namespace

void sum(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_device_element(x.dtype, "sum", [&]<class T>() {
    reduce(ctx, "sum", Sum<T>{y.as<sum_t<T>>(), 1}, g, x.as<const T>());
  });
}

void mean(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_device_floating(x.dtype, "mean", [&]<class T>() {
    reduce(ctx, "mean", Sum<T>{y.as<T>(), total_t<T>(g.count)}, g, x.as<const T>());
  });
}

void prod(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_device_element(x.dtype, "prod", [&]<class T>() {
    reduce(ctx, "prod", Product<T>{y.as<sum_t<T>>()}, g, x.as<const T>());
  });
}

void any(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  truth(ctx, "any", false, g, x, y);
}

void all(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  truth(ctx, "all", true, g, x, y);
}

}  // namespace kiln::kernels
