#pragma once

// The one kernel behind the elementwise ops. An op is a functor on values in their compute type (float for
// the halves). Packs of 16 bytes where operands are dense (or repeated) along the innermost dimension, single
// elements where they are not; two packs or four elements of each operand in flight; 32-bit offsets (what is
// too large for them is split into several launches). An operand of another type is converted first.

#include <algorithm>
#include <tuple>

#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/elementwise/cuda/elementwise.h>
#include <kiln/kernels/base/cuda/element.cuh>
#include <kiln/kernels/base/cuda/launch.cuh>

namespace kiln::kernels {

inline constexpr int kElementwiseThreads = 256;

// The dtype of the device's type.
template <class T>
inline constexpr DType device_dtype = [] {
  if constexpr (std::is_same_v<T, __half>)
    return float16;
  else if constexpr (std::is_same_v<T, __nv_bfloat16>)
    return bfloat16;
  else
    return dtype_of<T>;
}();

// Where an operand's values come from: memory, or (data is null) a number.
template <class T>
struct Source {
  const char* data;
  device_accumulate_t<T> number;
  bool repeats;  // one value for the whole innermost dimension
};

template <int Width, class T>
__device__ __forceinline__ gpu::Pack<T, Width> fetch(const Source<T>& x, uint32_t offset) {
  gpu::Pack<T, Width> pack{};
  if (x.data == nullptr) return pack;
  if (Width == 1 || !x.repeats)
    return gpu::load(reinterpret_cast<const gpu::Pack<T, Width>*>(x.data + offset));
  const T value = gpu::load(reinterpret_cast<const T*>(x.data + offset));
#pragma unroll
  for (int i = 0; i < Width; ++i) pack[i] = value;
  return pack;
}

// offsets[0] is the result's.
template <int Width, size_t... K, class... In>
__device__ __forceinline__ std::tuple<gpu::Pack<In, Width>...> fetch_all(std::index_sequence<K...>,
                                                                         const uint32_t* offsets,
                                                                         const Source<In>&... in) {
  return {fetch<Width>(in, offsets[K + 1])...};
}

template <class Out, int Width, class F, size_t... K, class... In>
__device__ __forceinline__ gpu::Pack<Out, Width> apply(const F& f, std::index_sequence<K...>,
                                                       const std::tuple<gpu::Pack<In, Width>...>& x,
                                                       const Source<In>&... in) {
  gpu::Pack<Out, Width> y;
#pragma unroll
  for (int i = 0; i < Width; ++i)
    y[i] =
        cast<Out>(f((in.data == nullptr ? in.number : cast<device_accumulate_t<In>>(std::get<K>(x)[i]))...));
  return y;
}

// offsets[0] is the result's.
template <int Operands>
__device__ void find(const ElementwiseMap& map, uint32_t unit, uint32_t (&offsets)[Operands]) {
#pragma unroll
  for (int k = 0; k < Operands; ++k) offsets[k] = 0;
#pragma unroll
  for (int d = 0; d < kMaxRank; ++d) {
    const bool last = d == map.rank - 1;
    const uint32_t outer = last ? 0 : map.sizes[d].divide(unit), at = unit - outer * map.sizes[d].value;
#pragma unroll
    for (int k = 0; k < Operands; ++k) offsets[k] += at * map.strides[k][d];
    if (last) break;
    unit = outer;
  }
}

// Units of one thread: enough loads in flight to hide the memory's latency. Sixteen single bytes fill
// registers enough.
template <int Width>
inline constexpr int kUnits = Width == 1    ? 4
                              : Width == 16 ? 1
                                            : 2;

// Blocks of an SM at least: leaves the compiler 64 registers (float64: 128; three operands of halves: 80),
// where its own choice of fewer (0) spills: for three operands, and for functors that say so (kBlocks).
template <class F, class Out, int Width, int Operands>
inline constexpr int kElementwiseBlocks = [] {
  if constexpr (requires { F::kBlocks; })
    return std::is_same_v<Out, double> ? F::kBlocks / 2 : F::kBlocks;
  else
    return Operands < 3 ? 0 : Width == 8 ? 3 : 4;
}();

template <int Width, class Out, class F, class... In>
__global__ void __launch_bounds__(kElementwiseThreads, kElementwiseBlocks<F, Out, Width, sizeof...(In)>)
    elementwise_kernel(F f, ElementwiseMap map, char* y, Source<In>... in) {
  constexpr auto indices = std::index_sequence_for<In...>();
  const uint32_t first = blockIdx.x * uint32_t(kElementwiseThreads * kUnits<Width>) + threadIdx.x;
  std::tuple<gpu::Pack<In, Width>...> x[kUnits<Width>];
  uint32_t at[kUnits<Width>];
#pragma unroll
  for (int j = 0; j < kUnits<Width>; ++j) {
    const uint32_t unit = first + uint32_t(j * kElementwiseThreads);
    if (unit >= map.units) break;
    uint32_t offsets[1 + sizeof...(In)];
    find(map, unit, offsets);
    at[j] = offsets[0];
    x[j] = fetch_all<Width>(indices, offsets, in...);
  }
#pragma unroll
  for (int j = 0; j < kUnits<Width>; ++j) {
    if (first + uint32_t(j * kElementwiseThreads) >= map.units) break;
    gpu::store(reinterpret_cast<gpu::Pack<Out, Width>*>(y + at[j]),
               apply<Out, Width>(f, indices, x[j], in...));
  }
  if (Width > 1 && first < map.tail) {
    const uint32_t i = map.units * uint32_t(Width) + first;
    const std::tuple<gpu::Pack<In, 1>...> rest{fetch<1>(in, in.repeats ? 0 : i * uint32_t(sizeof(In)))...};
    gpu::store(reinterpret_cast<gpu::Pack<Out, 1>*>(y) + i, apply<Out, 1>(f, indices, rest, in...));
  }
}

// The operand's number, if it is one.
template <class T>
T number_of(const Operand& x) {
  if constexpr (std::is_arithmetic_v<T>)
    return element_of<T>(x.scalar);
  else
    return T();
}

// Starts the kernel on one part.
template <int Width, class Out, class... In, class F, size_t... K>
void launch_part(const CudaContext& ctx, const char* op, const F& f, const ElementwisePart& part,
                 std::index_sequence<K...>, const device_accumulate_t<In>&... numbers) {
  const ElementwiseMap map = part.map(Width);
  launch(ctx, op, elementwise_kernel<Width, Out, F, In...>,
         {.grid = blocks_for(std::max(map.units, 1u), kElementwiseThreads * kUnits<Width>),
          .block = kElementwiseThreads},
         f, map, part.data[0], Source<In>{part.data[K + 1], numbers, part.repeats(int(K) + 1)}...);
}

// What is behind elementwise(), below: the dtypes are taken to be right.
template <class Out, class... In, class F, size_t... K>
void elementwise_parts(CudaContext& ctx, const char* op, const F& f, const TensorView& y,
                       std::index_sequence<K...> indices, const Operand* x) {
  constexpr int64_t sizes[] = {sizeof(Out), sizeof(In)...};
  constexpr int width = int(16 / std::max({sizeof(Out), sizeof(In)...}));
  // A number walks as y does, and is never read.
  const TensorView views[] = {(x[K].is_scalar() ? y : x[K].view)...};
  for (ElementwisePart& part : split(Walk(y, views))) {
    for (size_t k = 0; k < sizeof...(In); ++k)
      if (x[k].is_scalar()) part.forget(int(k) + 1);
    if (width > 1 && part.packs(width, sizes))
      launch_part<width, Out, In...>(ctx, op, f, part, indices, number_of<device_accumulate_t<In>>(x[K])...);
    else
      launch_part<1, Out, In...>(ctx, op, f, part, indices, number_of<device_accumulate_t<In>>(x[K])...);
  }
}

// y = f(operands), on elements of the types In (the dtypes that the operands are converted to where they
// differ) and Out, which is y's, or else y is converted at the end. `op` is a string literal.
template <class Out, class... In, class F>
void elementwise(CudaContext& ctx, const char* op, const F& f, const TensorView& y,
                 const std::type_identity_t<Operand> (&operands)[sizeof...(In)]) {
  constexpr DType types[] = {device_dtype<In>...};
  constexpr auto indices = std::index_sequence_for<In...>();
  Tensor copies[sizeof...(In)];
  const auto at = [&](size_t k) { return converted(ctx, operands[k], types[k], copies[k]); };
  const auto run = [&]<size_t... K>(std::index_sequence<K...>) {
    const Operand x[] = {at(K)...};
    if (y.dtype == device_dtype<Out>) return elementwise_parts<Out, In...>(ctx, op, f, y, indices, x);
    const Tensor result = empty_on(ctx, y.shape(), device_dtype<Out>);
    elementwise_parts<Out, In...>(ctx, op, f, result, indices, x);
    copy(ctx, result, y);
  };
  run(indices);
}

}  // namespace kiln::kernels
