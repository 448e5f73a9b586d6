#pragma once

// For sources of kernels only.

#include <limits>

#include <kiln/kernels/reduce/cpu/reduce_loops.h>

namespace kiln::kernels::cpu {

// The larger (or smaller) of two; NaN wins over numbers.
template <class T, bool kMax>
struct Extreme {
  using Lane = accumulate_t<T>;
  using Total = Lane;
  static constexpr bool kWide = std::is_floating_point_v<T>;

  Lane start() const {
    using Limits = std::numeric_limits<Lane>;
    if constexpr (Limits::has_infinity)
      return kMax ? -Limits::infinity() : Limits::infinity();
    else
      return kMax ? Limits::lowest() : Limits::max();
  }
  static bool beats(Lane x, Lane a) { return kMax ? x > a : x < a; }
  Lane add(Lane a, T x) const { return merge<Lane>(a, Lane(x)); }
  Total widen(Lane a) const { return a; }
  template <class U>
  U merge(U a, U x) const {
    return (beats(x, a) | (x != x)) ? x : a;
  }
  T finish(Total total) const { return T(total); }
};

}  // namespace kiln::kernels::cpu
