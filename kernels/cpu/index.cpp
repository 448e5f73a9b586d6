#include <kiln/kernels/index.h>

#include <cstring>

#include <kiln/kernels/cpu/parallel_rows.h>
#include <kiln/tensor/element.h>

namespace kiln::kernels {

int64_t find_outside(CpuContext&, int64_t size, std::optional<int64_t> ignored, TensorView index) {
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

// f(position, x's offset without the indexed dimension) for each element of index.
template <class F>
void for_each_index(const GatherGeometry& g, const F& f) {
  int64_t at[kMaxRank] = {}, count = 1, x = 0;
  for (int d = 0; d < g.rank; ++d) count *= g.index_sizes[d];
  for (int64_t i = 0; i < count; ++i) {
    f(i, x);
    for (int d = g.rank - 1; d >= 0; --d) {
      const int64_t stride = d == g.dim ? 0 : g.x_strides[d];
      x += stride;
      if (++at[d] < g.index_sizes[d]) break;
      x -= stride * at[d];
      at[d] = 0;
    }
  }
}

template <class T>
T sum_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>)
    return a || b;
  else
    return T(accumulate_t<T>(a) + accumulate_t<T>(b));
}

}  // namespace

void gather(CpuContext&, const GatherGeometry& g, TensorView x, TensorView index, TensorView y) {
  const int64_t stride = g.x_strides[g.dim];
  visit_element(x.dtype, "gather", [&]<class T>() {
    for_each_index(g, [&](int64_t i, int64_t offset) {
      y.as<T>()[i] = x.as<T>()[offset + index.as<int64_t>()[i] * stride];
    });
  });
}

void scatter_add(CpuContext&, const GatherGeometry& g, TensorView index, TensorView source, TensorView x) {
  const int64_t stride = g.x_strides[g.dim];
  visit_element(x.dtype, "scatter_add", [&]<class T>() {
    for_each_index(g, [&](int64_t i, int64_t offset) {
      T& to = x.as<T>()[offset + index.as<int64_t>()[i] * stride];
      to = sum_of(to, source.as<T>()[i]);
    });
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

}  // namespace kiln::kernels
