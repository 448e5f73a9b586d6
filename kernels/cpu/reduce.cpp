#include <kiln/kernels/reduce.h>

#include <kiln/kernels/cpu/reduce_loops.h>

namespace kiln::kernels {
namespace {

template <class T>
struct Sum {
  using Lane = std::conditional_t<is_floating(dtype_of<T>), accumulate_t<T>, int64_t>;
  using Total = std::conditional_t<is_floating(dtype_of<T>), double, int64_t>;
  using Out = std::conditional_t<is_floating(dtype_of<T>), T, int64_t>;
  Total count = 1;  // that the sum is divided by

  Lane start() const { return 0; }
  Lane add(Lane a, T x) const { return a + Lane(x); }
  Total widen(Lane a) const { return a; }
  template <class U>
  U merge(U a, U b) const {
    return a + b;
  }
  Out finish(Total total) const { return Out(count == 1 ? total : total / count); }
};

}  // namespace

void sum(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_element(x.dtype, "sum", [&]<class T>() {
    const Sum<T> op;
    cpu::reduce(ctx, op, g, x.as<T>(), y.as<typename Sum<T>::Out>());
  });
}

void mean(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_floating(x.dtype, "mean", [&]<class T>() {
    const Sum<T> op{double(g.count)};
    cpu::reduce(ctx, op, g, x.as<T>(), y.as<T>());
  });
}

}  // namespace kiln::kernels
