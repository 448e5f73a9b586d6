#include <kiln/kernels/reduce/cumsum.h>

#include <kiln/kernels/reduce/cpu/reduce_loops.h>

namespace kiln::kernels {

void cumsum(CpuContext& ctx, const DimGeometry& g, bool reverse, TensorView x, TensorView y) {
  if (g.size * g.inner == 0) return;  // however many lines of nothing there are
  visit_element(x.dtype, "cumsum", [&]<class T>() {
    constexpr bool kFloating = is_floating(dtype_of<T>);
    using Out = std::conditional_t<kFloating, T, int64_t>;
    using Total = std::conditional_t<kFloating, double, uint64_t>;  // integers wrap around
    const int64_t first = reverse ? (g.size - 1) * g.inner : 0, step = reverse ? -g.inner : g.inner;
    const bool parallel = g.outer * g.size * g.inner > cpu::kSerialElements;
    cpu::for_units(ctx, g.outer * g.inner, parallel, [&](int64_t line) {
      int64_t at = line / g.inner * g.size * g.inner + line % g.inner + first;
      Total total = 0;
      for (int64_t i = 0; i < g.size; ++i, at += step) {
        total += Total(x.as<T>()[at]);
        y.as<Out>()[at] = Out(total);
      }
    });
  });
}

}  // namespace kiln::kernels
