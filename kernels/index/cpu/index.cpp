#include <kiln/kernels/index/index.h>

#include <cstring>

#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/elementwise/binary_functions.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {

int64_t find_outside(CpuContext&, int64_t size, std::optional<int64_t> ignored, TensorView index,
                     const char*) {
  const int64_t* at = index.as<int64_t>();
  const int64_t count = index.numel();
  for (int64_t i = 0; i < count; ++i)
    if ((at[i] < 0 || at[i] >= size) && at[i] != ignored) return i;
  return -1;
}

GatherGeometry GatherGeometry::of(const Shape& index, const Shape& x, int dim) {
  GatherGeometry g;
  if (index.rank() == 0) return g;
  g.rank = index.rank();
  g.dim = dim;
  int64_t stride = 1;
  for (int d = g.rank - 1; d >= 0; --d) {
    g.index_sizes[d] = index[d];
    g.x_strides[d] = stride;
    stride *= x.rank() == 0 ? 1 : x[d];
  }
  return g;
}

namespace {

// The elements of index in its last dimension, from `position` on; without the indexed dimension they stand
// at `offset`, `offset + step`, ... of x.
struct Run {
  int64_t position, offset, size, step;
};

int64_t runs_of(const GatherGeometry& g) {
  int64_t runs = 1;
  for (int d = 0; d < g.rank - 1; ++d) runs *= g.index_sizes[d];
  return runs;
}

Run run_at(const GatherGeometry& g, int64_t run) {
  const int last = g.rank - 1;
  Run result{run * g.index_sizes[last], 0, g.index_sizes[last], g.dim == last ? 0 : g.x_strides[last]};
  for (int d = last - 1; d >= 0; --d) {
    if (d != g.dim) result.offset += run % g.index_sizes[d] * g.x_strides[d];
    run /= g.index_sizes[d];
  }
  return result;
}

template <class T>
T sum_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>)
    return a || b;
  else if constexpr (std::is_integral_v<T>)
    return T(math::Wrapping<T>(a) + math::Wrapping<T>(b));
  else
    return T(accumulate_t<T>(a) + accumulate_t<T>(b));
}

}  // namespace

void gather(CpuContext& ctx, const GatherGeometry& g, TensorView x, TensorView index, TensorView y) {
  const int64_t stride = g.x_strides[g.dim];
  visit_element(x.dtype, "gather", [&]<class T>() {
    parallel_for(ctx, runs_of(g), grain_of(4 * g.index_sizes[g.rank - 1]), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const Run run = run_at(g, r);
        const int64_t* at = index.as<int64_t>() + run.position;
        const T* from = x.as<T>() + run.offset;
        T* to = y.as<T>() + run.position;
        for (int64_t i = 0; i < run.size; ++i) to[i] = from[i * run.step + at[i] * stride];
      }
    });
  });
}

void scatter_add(CpuContext&, const GatherGeometry& g, TensorView index, TensorView source, TensorView x) {
  const int64_t stride = g.x_strides[g.dim], runs = runs_of(g);
  visit_element(x.dtype, "scatter_add", [&]<class T>() {
    for (int64_t r = 0; r < runs; ++r) {
      const Run run = run_at(g, r);
      const int64_t* at = index.as<int64_t>() + run.position;
      const T* from = source.as<T>() + run.position;
      T* to = x.as<T>() + run.offset;
      for (int64_t i = 0; i < run.size; ++i) {
        T& sum = to[i * run.step + at[i] * stride];
        sum = sum_of(sum, from[i]);
      }
    }
  });
}

void index_select(CpuContext& ctx, const DimGeometry& g, TensorView x, TensorView index, TensorView y) {
  const int64_t count = index.numel(), bytes = g.inner * size_of(x.dtype);
  if (bytes == 0) return;
  const char* from = x.as<char>();
  char* to = y.as<char>();
  const int64_t* at = index.as<int64_t>();
  parallel_for(ctx, g.outer * count, grain_of(g.inner), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::memcpy(to + i * bytes, from + (i / count * g.size + at[i % count]) * bytes, size_t(bytes));
  });
}

void index_add(CpuContext& ctx, const DimGeometry& g, TensorView index, TensorView source, TensorView y) {
  const int64_t count = index.numel();
  const int64_t* at = index.as<int64_t>();
  visit_element(y.dtype, "index_add", [&]<class T>() {
    const T* from = source.as<T>();
    T* to = y.as<T>();
    // Threads own outer blocks, so each sum is formed in the order of the indices.
    parallel_for(ctx, g.outer, grain_of(count * g.inner), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * count; i < end * count; ++i) {
        T* row = to + (i / count * g.size + at[i % count]) * g.inner;
        for (int64_t j = 0; j < g.inner; ++j) row[j] = sum_of(row[j], from[i * g.inner + j]);
      }
    });
  });
}

void index_copy(CpuContext& ctx, const DimGeometry& g, TensorView index, TensorView source, TensorView y) {
  const int64_t count = index.numel(), bytes = g.inner * size_of(y.dtype);
  if (bytes == 0) return;
  const char* from = source.as<char>();
  char* to = y.as<char>();
  const int64_t* at = index.as<int64_t>();
  // Threads own outer blocks, so the last of equal indices is written last.
  parallel_for(ctx, g.outer, grain_of(count * g.inner), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * count; i < end * count; ++i)
      std::memcpy(to + (i / count * g.size + at[i % count]) * bytes, from + i * bytes, size_t(bytes));
  });
}

}  // namespace kiln::kernels
