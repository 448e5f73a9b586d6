#pragma once

#include <kiln/kernels/elementwise/unary_activations.h>
#include <kiln/kernels/elementwise/unary_maths.h>

namespace kiln::kernels::math {

// Calls f with the functor of a run-time op: f(Unary<op>{parameters}).
template <int i = 0, class F>
decltype(auto) visit_unary(UnaryOp op, const UnaryParameters& parameters, F&& f) {
  if constexpr (i + 1 < int(UnaryOp::count))
    if (op != UnaryOp(i)) return visit_unary<i + 1>(op, parameters, static_cast<F&&>(f));
  return f(Unary<UnaryOp(i)>{{parameters}});
}

}  // namespace kiln::kernels::math
