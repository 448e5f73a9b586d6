#include <kiln/kernels/index/index.h>

#include <kiln/kernels/elementwise/binary_functions.h>
#include <kiln/kernels/base/cuda/found_error.cuh>
#include <kiln/kernels/base/cuda/scratch.cuh>
#include <kiln/kernels/reduce/cuda/sort_entries.cuh>

namespace kiln::kernels {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ int64_t thread_number() { return int64_t(blockIdx.x) * kThreads + threadIdx.x; }

// Reads the indices.
__global__ void __launch_bounds__(kThreads)
    find_outside_kernel(const int64_t* index, int64_t count, int64_t size, bool has_ignored, int64_t ignored,
                        cuda::FoundError* error, const char* message) {
  const int64_t i = thread_number();
  if (i >= count || (index[i] >= 0 && index[i] < size) || (has_ignored && index[i] == ignored)) return;
  report_found(error, message, index[i], i, size - 1);
}

// Where x's element stands that belongs to element i of the index, without the indexed dimension; `at` is i's
// coordinate along it.
__device__ __forceinline__ int64_t offset_beside(const GatherGeometry& g, int64_t i) {
  int64_t offset = 0;
  for (int d = g.rank - 1; d >= 0; --d) {
    const Split at = split(i, g.index_sizes[d]);
    if (d != g.dim) offset += at.remainder * g.x_strides[d];
    i = at.quotient;
  }
  return offset;
}

// Reads the index and an element of x for each of y; 0 for an index outside of `size`.
template <class T>
__global__ void __launch_bounds__(kThreads)
    gather_kernel(GatherGeometry g, int64_t count, int64_t size, const T* x, const int64_t* index, T* y) {
  const int64_t i = thread_number();
  if (i >= count) return;
  const int64_t at = index[i];
  y[i] = at >= 0 && at < size ? x[offset_beside(g, i) + at * g.x_strides[g.dim]] : T(0);
}

// The same by rows of packs of kBytes, `row` of them in a row.
template <int kBytes>
__global__ void __launch_bounds__(kThreads)
    index_select_kernel(int64_t units, int64_t count, int64_t size, int64_t row, const char* x,
                        const int64_t* index, char* y) {
  using Word = gpu::Pack<unsigned char, kBytes>;
  const int64_t unit = thread_number();
  if (unit >= units) return;
  const Split in_row = split(unit, row), along = split(in_row.quotient, count);
  const int64_t at = index[along.remainder];
  Word word{};
  if (at >= 0 && at < size)
    word =
        gpu::load(reinterpret_cast<const Word*>(x) + (along.quotient * size + at) * row + in_row.remainder);
  gpu::store(reinterpret_cast<Word*>(y) + unit, word);
}

using Entries = EntryTraits<uint64_t>;
constexpr uint64_t kOutside = 0xffffffffu;  // the key of an index that is out of range

// The indices of each line of [outer, size, inner], with their positions.
__global__ void __launch_bounds__(kThreads)
    index_entries_kernel(DimGeometry lines, int64_t limit, const int64_t* index, uint64_t* entries) {
  const int64_t i = thread_number();
  if (i >= lines.outer * lines.size * lines.inner) return;
  const Split across = split(i, lines.inner), along = split(across.quotient, lines.size);
  const bool inside = index[i] >= 0 && index[i] < limit;
  entries[(along.quotient * lines.inner + across.remainder) * lines.size + along.remainder] =
      Entries::make(inside ? uint64_t(index[i]) : kOutside, along.remainder);
}

template <class T>
__device__ __forceinline__ T sum_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>)
    return a || b;
  else if constexpr (std::is_integral_v<T>)
    return T(math::Wrapping<T>(a) + math::Wrapping<T>(b));
  else
    return cast<T>(device_accumulate_t<T>(cast<device_accumulate_t<T>>(a) + cast<device_accumulate_t<T>>(b)));
}

// Adds to *x what equal indices name, in the order of their positions: entries from `first` on, source(at)
// each. Does nothing where an entry before this one has the same index.
template <class T, class Source, class Target>
__device__ __forceinline__ void add_segment(const uint64_t* entries, int64_t first, int64_t count,
                                            const Source& source, const Target& target) {
  const int64_t key = Entries::key(entries[first]);
  if (uint64_t(key) == kOutside || (first > 0 && Entries::key(entries[first - 1]) == key)) return;
  T* x = target(key);
  T sum = *x;
  for (int64_t i = first; i < count && Entries::key(entries[i]) == key; ++i)
    sum = sum_of(sum, source(Entries::at(entries[i])));
  *x = sum;
}

// A thread an entry. Reads the entries and the source; reads and writes the elements of x that are named.
template <class T>
__global__ void __launch_bounds__(kThreads)
    scatter_add_kernel(GatherGeometry g, DimGeometry lines, const uint64_t* entries, const T* source, T* x) {
  const int64_t i = thread_number();
  if (i >= lines.outer * lines.size * lines.inner) return;
  const Split across = split(i, lines.inner), along = split(across.quotient, lines.size);
  const int64_t line = (along.quotient * lines.inner + across.remainder) * lines.size;
  const int64_t position = along.quotient * lines.size * lines.inner + across.remainder;
  const int64_t offset = offset_beside(g, position);
  add_segment<T>(
      entries + line, along.remainder, lines.size,
      [&](int64_t at) { return source[position + at * lines.inner]; },
      [&](int64_t key) { return x + offset + key * g.x_strides[g.dim]; });
}

// A thread an entry and element of a row. Moves what scatter_add_kernel does.
template <class T>
__global__ void __launch_bounds__(kThreads)
    index_add_kernel(DimGeometry g, int64_t count, const uint64_t* entries, const T* source, T* y) {
  const int64_t i = thread_number();
  if (i >= g.outer * count * g.inner) return;
  const Split across = split(i, g.inner), along = split(across.quotient, count);
  add_segment<T>(
      entries, along.remainder, count,
      [&](int64_t at) { return source[(along.quotient * count + at) * g.inner + across.remainder]; },
      [&](int64_t key) { return y + (along.quotient * g.size + key) * g.inner + across.remainder; });
}

// The same, but that the last of equal indices writes its element.
template <class T>
__global__ void __launch_bounds__(kThreads)
    index_copy_kernel(DimGeometry g, int64_t count, const uint64_t* entries, const T* source, T* y) {
  const int64_t i = thread_number();
  if (i >= g.outer * count * g.inner) return;
  const Split across = split(i, g.inner), along = split(across.quotient, count);
  const int64_t at = along.remainder, key = Entries::key(entries[at]);
  if (uint64_t(key) == kOutside || (at + 1 < count && Entries::key(entries[at + 1]) == key)) return;
  y[(along.quotient * g.size + key) * g.inner + across.remainder] =
      source[(along.quotient * count + Entries::at(entries[at])) * g.inner + across.remainder];
}

// The entries of each line of the index, sorted: equal indices next to each other, in their order.
class SortedIndices {
 public:
  SortedIndices(CudaContext& ctx, const char* op, const DimGeometry& lines, int64_t limit,
                const TensorView& index)
      : entries_(ctx, index.numel()), spare_(ctx, lines.size > kSortTile ? index.numel() : 0) {
    if (lines.size > kNarrowLimit || limit > kNarrowLimit)
      detail::throw_error(
          "index_add: a dimension of more than 2147483647 elements cannot be indexed on the GPU");
    launch(ctx, op, index_entries_kernel, {.grid = blocks_for(index.numel(), kThreads), .block = kThreads},
           lines, limit, index.as<const int64_t>(), entries_.data());
    sorted = sort_entries(ctx, op, entries_.data(), spare_.data(), lines.outer * lines.inner, lines.size);
  }
  const uint64_t* sorted;

 private:
  DeviceScratch<uint64_t> entries_, spare_;
};

// Calls f.operator()<T>() with the unsigned integer of an element's size.
template <class F>
void with_bits(int64_t size, const F& f) {
  switch (size) {
    case 1:
      return f.template operator()<uint8_t>();
    case 2:
      return f.template operator()<uint16_t>();
    case 4:
      return f.template operator()<uint32_t>();
    default:
      return f.template operator()<uint64_t>();
  }
}

}  // namespace

int64_t find_outside(CudaContext& ctx, int64_t size, std::optional<int64_t> ignored, TensorView index,
                     const char* late) {
  launch(ctx, "find_outside", find_outside_kernel,
         {.grid = blocks_for(index.numel(), kThreads), .block = kThreads}, index.as<const int64_t>(),
         index.numel(), size, ignored.has_value(), ignored.value_or(0), cuda::found_error(), late);
  return -1;
}

void gather(CudaContext& ctx, const GatherGeometry& g, TensorView x, TensorView index, TensorView y) {
  const int64_t size = x.shape().rank() == 0 ? 1 : x.shape()[g.dim], count = index.numel();
  visit_element(x.dtype, "gather", [&]<class Element>() {
    with_bits(sizeof(Element), [&]<class T>() {
      launch(ctx, "gather", gather_kernel<T>, {.grid = blocks_for(count, kThreads), .block = kThreads}, g,
             count, size, x.as<const T>(), index.as<const int64_t>(), y.as<T>());
    });
  });
}

void scatter_add(CudaContext& ctx, const GatherGeometry& g, TensorView index, TensorView source,
                 TensorView x) {
  const int64_t count = index.numel(), size = x.shape().rank() == 0 ? 1 : x.shape()[g.dim];
  if (count == 0) return;
  DimGeometry lines;
  for (int d = 0; d < g.rank; ++d)
    (d < g.dim ? lines.outer : d == g.dim ? lines.size : lines.inner) *= g.index_sizes[d];
  visit_device_element(x.dtype, "scatter_add", [&]<class T>() {
    const SortedIndices indices(ctx, "scatter_add", lines, size, index);
    launch(ctx, "scatter_add", scatter_add_kernel<T>,
           {.grid = blocks_for(count, kThreads), .block = kThreads}, g, lines, indices.sorted,
           source.as<const T>(), x.as<T>());
  });
}

void index_select(CudaContext& ctx, const DimGeometry& g, TensorView x, TensorView index, TensorView y) {
  const int64_t bytes = g.inner * size_of(x.dtype), count = index.numel();
  if (bytes == 0) return;
  const auto run = [&]<int kBytes>() {
    const int64_t units = g.outer * count * bytes / kBytes;
    launch(ctx, "index_select", index_select_kernel<kBytes>,
           {.grid = blocks_for(units, kThreads), .block = kThreads}, units, count, g.size, bytes / kBytes,
           x.as<const char>(), index.as<const int64_t>(), y.as<char>());
  };
  const uint64_t common =
      uint64_t(bytes) | reinterpret_cast<uintptr_t>(x.data) | reinterpret_cast<uintptr_t>(y.data);
  if (common % 16 == 0)
    run.operator()<16>();
  else if (common % 8 == 0)
    run.operator()<8>();
  else if (common % 4 == 0)
    run.operator()<4>();
  else if (common % 2 == 0)
    run.operator()<2>();
  else
    run.operator()<1>();
}

void index_add(CudaContext& ctx, const DimGeometry& g, TensorView index, TensorView source, TensorView y) {
  const int64_t count = index.numel(), units = g.outer * count * g.inner;
  if (units == 0) return;
  visit_device_element(y.dtype, "index_add", [&]<class T>() {
    const SortedIndices indices(ctx, "index_add", {1, count, 1}, g.size, index);
    launch(ctx, "index_add", index_add_kernel<T>, {.grid = blocks_for(units, kThreads), .block = kThreads}, g,
           count, indices.sorted, source.as<const T>(), y.as<T>());
  });
}

void index_copy(CudaContext& ctx, const DimGeometry& g, TensorView index, TensorView source, TensorView y) {
  const int64_t count = index.numel(), units = g.outer * count * g.inner;
  if (units == 0) return;
  const SortedIndices indices(ctx, "index_copy", {1, count, 1}, g.size, index);
  with_bits(size_of(y.dtype), [&]<class T>() {
    launch(ctx, "index_copy", index_copy_kernel<T>, {.grid = blocks_for(units, kThreads), .block = kThreads},
           g, count, indices.sorted, source.as<const T>(), y.as<T>());
  });
}

}  // namespace kiln::kernels
