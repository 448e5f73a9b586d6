#include <kiln/kernels/reduce/sort.h>

#include <algorithm>
#include <bit>

#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

template <class T>
struct Entry {
  accumulate_t<T> value;
  int64_t at;
};

template <class A>
bool less(A a, A b) {
  if constexpr (std::is_floating_point_v<A>) return a < b || (b != b && a == a);
  return a < b;
}

template <class T>
void sort_line(const T* x, int64_t size, int64_t stride, int64_t k, bool descending, T* values,
               int64_t* indices, Entry<T>* line) {
  for (int64_t i = 0; i < size; ++i) line[i] = {x[i * stride], i};
  const auto order = [descending](const Entry<T>& a, const Entry<T>& b) {
    const bool before = descending ? less(b.value, a.value) : less(a.value, b.value);
    const bool after = descending ? less(a.value, b.value) : less(b.value, a.value);
    return before || (!after && a.at < b.at);
  };
  if (k < size)
    std::partial_sort(line, line + k, line + size, order);
  else
    std::sort(line, line + size, order);
  for (int64_t i = 0; i < k; ++i) {
    values[i * stride] = x[line[i].at * stride];
    indices[i * stride] = line[i].at;
  }
}

}  // namespace

void sort(CpuContext& ctx, const DimGeometry& g, int64_t k, bool descending, TensorView x, TensorView values,
          TensorView indices) {
  if (k == 0) return;
  visit_element(x.dtype, "sort", [&]<class T>() {
    const int64_t cost = g.size * (8 + std::bit_width(uint64_t(g.size)));
    parallel_for(ctx, g.outer * g.inner, grain_of(cost), [&](int64_t begin, int64_t end) {
      const cpu::Scratch<Entry<T>> line(g.size);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t from = i / g.inner * g.size * g.inner + i % g.inner,
                      to = i / g.inner * k * g.inner + i % g.inner;
        sort_line(x.as<T>() + from, g.size, g.inner, k, descending, values.as<T>() + to,
                  indices.as<int64_t>() + to, line.data());
      }
    });
  });
}

}  // namespace kiln::kernels
