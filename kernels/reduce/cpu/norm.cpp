#include <kiln/kernels/reduce/norm.h>

#include <cmath>

#include <kiln/kernels/reduce/cpu/extrema_loops.h>

namespace kiln::kernels {
namespace {

template <class T>
struct Additive {
  using Lane = accumulate_t<T>;
  using Total = double;
  static constexpr bool kWide = std::is_floating_point_v<T>;
  Lane start() const { return 0; }
  Total widen(Lane a) const { return a; }
  template <class U>
  U merge(U a, U b) const {
    return a + b;
  }
  T finish(Total total) const { return T(total); }
};

template <class T>
struct CountNonzero : Additive<T> {
  using Lane = accumulate_t<T>;
  static constexpr bool kWide = false;
  Lane add(Lane a, T x) const { return a + Lane(Lane(x) != 0); }
};

template <class T>
struct SumAbs : Additive<T> {
  using Lane = accumulate_t<T>;
  Lane add(Lane a, T x) const { return a + std::abs(Lane(x)); }
};

template <class T>
struct RootOfSquares : Additive<T> {
  using Lane = accumulate_t<T>;
  Lane add(Lane a, T x) const { return a + Lane(x) * Lane(x); }
  T finish(double total) const { return T(std::sqrt(total)); }
};

template <class T>
struct RootOfPowers : Additive<T> {
  using Lane = accumulate_t<T>;
  static constexpr bool kWide = false;
  double p;
  explicit RootOfPowers(double power) : p(power) {}
  Lane add(Lane a, T x) const { return a + std::pow(std::abs(Lane(x)), Lane(p)); }
  T finish(double total) const { return T(std::pow(total, 1 / p)); }
};

template <class T, bool kMax>
struct ExtremeAbs : cpu::Extreme<T, kMax> {
  using Lane = accumulate_t<T>;
  Lane start() const { return kMax ? 0 : std::numeric_limits<Lane>::infinity(); }
  Lane add(Lane a, T x) const { return this->merge(a, std::abs(Lane(x))); }
};

}  // namespace

void norm(CpuContext& ctx, const ReduceGeometry& g, double p, TensorView x, TensorView y) {
  visit_floating(x.dtype, "norm", [&]<class T>() {
    const auto run = [&](const auto& op) { cpu::reduce(ctx, op, g, x.as<T>(), y.as<T>()); };
    if (p == 0) return run(CountNonzero<T>());
    if (p == 1) return run(SumAbs<T>());
    if (p == 2) return run(RootOfSquares<T>());
    if (std::isinf(p)) return p > 0 ? run(ExtremeAbs<T, true>()) : run(ExtremeAbs<T, false>());
    run(RootOfPowers<T>(p));
  });
}

}  // namespace kiln::kernels
