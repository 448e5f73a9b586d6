#include <kiln/kernels/reduce/extrema.h>

#include <kiln/kernels/reduce/cuda/extrema.cuh>
#include <kiln/kernels/reduce/cuda/reduce_loops.cuh>

namespace kiln::kernels {
namespace {

template <class Value>
struct Found {
  int64_t at;  // -1 for nothing
  Value value;
};

// The first of equal values, the first NaN: the same whichever elements meet first.
template <class T, bool kMax>
struct ExtremeAt {
  using Value = typename Extreme<T, kMax>::Lane;
  using Lane = Found<Value>;
  T* values;  // or nullptr
  int64_t* indices;

  __device__ Lane start() const { return {-1, Value(0)}; }
  // i is larger than those before.
  __device__ Lane add(const Lane& a, T x, int64_t i) const {
    const Value value = cast<Value>(x);
    const bool taken =
        a.at < 0 || Extreme<T, kMax>::beats(value, a.value) || (value != value && a.value == a.value);
    return {taken ? i : a.at, taken ? value : a.value};
  }
  __device__ Lane merge(const Lane& a, const Lane& b) const {
    if (a.at < 0) return b;
    if (b.at < 0) return a;
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan ? a : b;
    if (a_nan || a.value == b.value) return a.at < b.at ? a : b;
    return Extreme<T, kMax>::beats(a.value, b.value) ? a : b;
  }
  __device__ void store(int64_t at, const Lane& a) const {
    indices[at] = a.at;
    if (values != nullptr) values[at] = cast<T>(a.value);
  }
};

template <bool kMax>
void extreme(CudaContext& ctx, const char* name, const ReduceGeometry& g, const TensorView& x,
             const TensorView& y) {
  visit_device_element(
      x.dtype, name, [&]<class T>() { reduce(ctx, name, Extreme<T, kMax>{y.as<T>()}, g, x.as<const T>()); });
}

template <bool kMax>
void extreme_with_index(CudaContext& ctx, const char* name, const ReduceGeometry& g, const TensorView& x,
                        const TensorView& values, const TensorView& indices) {
  visit_device_element(x.dtype, name, [&]<class T>() {
    reduce(ctx, name, ExtremeAt<T, kMax>{values.as<T>(), indices.as<int64_t>()}, g, x.as<const T>());
  });
}

}  // namespace

void amax(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  extreme<true>(ctx, "amax", g, x, y);
}

void amin(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  extreme<false>(ctx, "amin", g, x, y);
}

void max_with_index(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView values,
                    TensorView indices) {
  extreme_with_index<true>(ctx, "max", g, x, values, indices);
}

void min_with_index(CudaContext& ctx, const ReduceGeometry& g, TensorView x, TensorView values,
                    TensorView indices) {
  extreme_with_index<false>(ctx, "min", g, x, values, indices);
}

}  // namespace kiln::kernels
