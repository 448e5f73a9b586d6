#include <kiln/kernels/reduce/sort.h>

#include <kiln/kernels/base/cuda/scratch.cuh>
#include <kiln/kernels/reduce/cuda/sort_entries.cuh>

namespace kiln::kernels {
namespace {

// An unsigned number that is ordered as T is, with all NaN last, and as many bits as T or 32.
template <class T>
__device__ __forceinline__ auto sort_key(T x) {
  if constexpr (std::is_same_v<T, double>) {
    const uint64_t bits = uint64_t(__double_as_longlong(x == 0 ? 0.0 : x));
    return x != x ? ~uint64_t(0) : bits ^ (bits >> 63 ? ~uint64_t(0) : uint64_t(1) << 63);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return uint64_t(x) ^ uint64_t(1) << 63;
  } else if constexpr (std::is_integral_v<T>) {
    return uint32_t(int32_t(x)) ^ 1u << 31;
  } else {
    const float value = cast<float>(x);
    const uint32_t bits = __float_as_uint(value == 0 ? 0.0f : value);
    return value != value ? ~0u : bits ^ (bits >> 31 ? ~0u : 1u << 31);
  }
}

// Reads x, writes an entry for each element, line by line.
template <class T, class Entry>
__global__ void __launch_bounds__(kSortThreads)
    sort_keys_kernel(DimGeometry g, bool descending, const T* x, Entry* entries) {
  const int64_t i = int64_t(blockIdx.x) * kSortThreads + threadIdx.x;
  if (i >= g.outer * g.size * g.inner) return;
  const Split across = split(i, g.inner), along = split(across.quotient, g.size);
  const auto key = sort_key(x[i]);
  entries[(along.quotient * g.inner + across.remainder) * g.size + along.remainder] =
      EntryTraits<Entry>::make(descending ? decltype(key)(~key) : key, along.remainder);
}

// Writes the first k of each line; reads as many entries and elements of x.
template <class T, class Entry>
__global__ void __launch_bounds__(kSortThreads)
    sort_results_kernel(DimGeometry g, int64_t k, const T* x, const Entry* entries, T* values,
                        int64_t* indices) {
  const int64_t i = int64_t(blockIdx.x) * kSortThreads + threadIdx.x;
  if (i >= g.outer * k * g.inner) return;
  const Split across = split(i, g.inner), along = split(across.quotient, k);
  const int64_t line = along.quotient * g.inner + across.remainder;
  const int64_t at = EntryTraits<Entry>::at(entries[line * g.size + along.remainder]);
  values[i] = x[(along.quotient * g.size + at) * g.inner + across.remainder];
  indices[i] = at;
}

template <class T, class Entry>
void sort_lines(CudaContext& ctx, const DimGeometry& g, int64_t k, bool descending, const T* x, T* values,
                int64_t* indices) {
  const int64_t lines = g.outer * g.inner, count = lines * g.size;
  const DeviceScratch<Entry> entries(ctx, count), spare(ctx, g.size > kSortTile ? count : 0);
  launch(ctx, "sort", sort_keys_kernel<T, Entry>,
         {.grid = blocks_for(count, kSortThreads), .block = kSortThreads}, g, descending, x, entries.data());
  const Entry* sorted = sort_entries(ctx, "sort", entries.data(), spare.data(), lines, g.size);
  launch(ctx, "sort", sort_results_kernel<T, Entry>,
         {.grid = blocks_for(lines * k, kSortThreads), .block = kSortThreads}, g, k, x, sorted, values,
         indices);
}

}  // namespace

void sort(CudaContext& ctx, const DimGeometry& g, int64_t k, bool descending, TensorView x, TensorView values,
          TensorView indices) {
  if (g.outer * g.inner * k == 0) return;
  visit_device_element(x.dtype, "sort", [&]<class T>() {
    constexpr bool kNarrow = sizeof(T) <= 4;
    if (kNarrow && g.size <= kNarrowLimit)
      sort_lines<T, std::conditional_t<kNarrow, uint64_t, WideEntry>>(ctx, g, k, descending, x.as<const T>(),
                                                                      values.as<T>(), indices.as<int64_t>());
    else
      sort_lines<T, WideEntry>(ctx, g, k, descending, x.as<const T>(), values.as<T>(), indices.as<int64_t>());
  });
}

}  // namespace kiln::kernels
