#include <kiln/kernels/reduce/reduce.h>

#include <kiln/kernels/reduce/cpu/reduce_loops.h>

namespace kiln::kernels {
namespace {

// Integers wrap around: their totals are unsigned.
template <class T>
struct Sum {
  using Lane = std::conditional_t<is_floating(dtype_of<T>), accumulate_t<T>, uint64_t>;
  using Total = std::conditional_t<is_floating(dtype_of<T>), double, uint64_t>;
  using Out = std::conditional_t<is_floating(dtype_of<T>), T, int64_t>;
  static constexpr bool kWide = is_floating(dtype_of<T>);
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

template <class T>
struct Product {
  using Lane = typename Sum<T>::Lane;
  using Total = typename Sum<T>::Total;
  using Out = typename Sum<T>::Out;
  static constexpr bool kWide = false;

  Lane start() const { return 1; }
  Lane add(Lane a, T x) const { return a * Lane(x); }
  Total widen(Lane a) const { return a; }
  template <class U>
  U merge(U a, U b) const {
    return a * b;
  }
  Out finish(Total total) const { return Out(total); }
};

template <class T, bool kAll>
struct Truth {
  using Lane = int32_t;
  using Total = int32_t;
  static constexpr bool kWide = false;

  Lane start() const { return kAll; }
  Lane add(Lane a, T x) const { return merge<Lane>(a, accumulate_t<T>(x) != 0); }
  Total widen(Lane a) const { return a; }
  template <class U>
  U merge(U a, U b) const {
    return kAll ? a & b : a | b;
  }
  bool finish(Total total) const { return total != 0; }
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

void prod(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_element(x.dtype, "prod", [&]<class T>() {
    cpu::reduce(ctx, Product<T>(), g, x.as<T>(), y.as<typename Product<T>::Out>());
  });
}

void any(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_element(x.dtype, "any",
                [&]<class T>() { cpu::reduce(ctx, Truth<T, false>(), g, x.as<T>(), y.as<bool>()); });
}

void all(CpuContext& ctx, const ReduceGeometry& g, TensorView x, TensorView y) {
  visit_element(x.dtype, "all",
                [&]<class T>() { cpu::reduce(ctx, Truth<T, true>(), g, x.as<T>(), y.as<bool>()); });
}

}  // namespace kiln::kernels
