#include "rows.h"

namespace kiln::walk {
namespace {

Tensors both(const ValuesAndIndices& y) { return {y.values, y.indices}; }

template <class F>
Subject along(const char* name, F f) {
  return with_ends(
      one(name, [f](auto& x) { return f(x, Dims{1}); }),
      {[f](const Tensors& in) { f(in[0], Dims{kMost}); }, [f](const Tensors& in) { f(in[0], Dims{kLeast}); },
       [f](const Tensors& in) {
         f(in[0], Dims{0, 0});
       },
       [f](const Tensors& in) { f(in[0], Dims{}); }});
}

}  // namespace

Rows reduce_rows() {
  const std::vector<std::function<void(const Tensors&)>> beyond = {
      [](const Tensors& in) { softmax(in[0], INT32_MAX); },
      [](const Tensors& in) { softmax(in[0], INT32_MIN); }};
  return {
      along("sum", [](auto& x, const Dims& d) { return sum(x, d); }),
      along("mean", [](auto& x, const Dims& d) { return mean(x, d); }),
      along("var", [](auto& x, const Dims& d) { return var(x, d); }),
      along("std", [](auto& x, const Dims& d) { return std(x, d); }),
      along("stddev", [](auto& x, const Dims& d) { return x.stddev(d); }),
      along("amax", [](auto& x, const Dims& d) { return amax(x, d); }),
      along("amin", [](auto& x, const Dims& d) { return amin(x, d); }),
      along("norm", [](auto& x, const Dims& d) { return norm(x, 2, d); }),
      along("logsumexp", [](auto& x, const Dims& d) { return logsumexp(x, d); }),
      one("max", [](auto& x) { return max(x); }),
      one("min", [](auto& x) { return min(x); }),
      with_ends({"max", {values({3, 4})}, [](const Tensors& in) { return both(max(in[0], 1)); }},
                {[](const Tensors& in) { max(in[0], INT32_MAX); }}),
      with_ends({"min", {values({3, 4})}, [](const Tensors& in) { return both(min(in[0], 1)); }},
                {[](const Tensors& in) { min(in[0], INT32_MIN); }}),
      without_gradient(one("argmax", [](auto& x) { return argmax(x, 1); }), "gives positions"),
      without_gradient(one("argmin", [](auto& x) { return argmin(x); }), "gives positions"),
      one(
          "prod", [](auto& x) { return prod(x); }, {2, 3}, 0.5, 1.5),
      without_gradient(one("any", [](auto& x) { return any(x); }), "gives bools"),
      without_gradient(one("all", [](auto& x) { return all(x); }), "gives bools"),
      without_gradient(one("any", [](auto& x) { return any(x, 1); }), "gives bools"),
      without_gradient(one("all", [](auto& x) { return all(x, 1); }), "gives bools"),
      with_ends(one("cumsum", [](auto& x) { return cumsum(x, 1); }),
                {[](const Tensors& in) { cumsum(in[0], INT32_MAX); }}),
      with_ends(one("softmax", [](auto& x) { return softmax(x, 1); }), beyond),
      with_ends(one("log_softmax", [](auto& x) { return log_softmax(x, 1); }), beyond),
      two(
          "matmul", [](auto& a, auto& b) { return matmul(a, b); }, values({3, 4}), values({4, 2})),
      two(
          "matmul", [](auto& a, auto& b) { return matmul(a, b); }, values({2, 3, 4}), values({4})),
      two(
          "mm", [](auto& a, auto& b) { return mm(a, b); }, values({3, 4}), values({4, 2})),
      two(
          "mv", [](auto& a, auto& b) { return mv(a, b); }, values({3, 4}), values({4})),
      two(
          "dot", [](auto& a, auto& b) { return dot(a, b); }, values({4}), values({4})),
      two(
          "bmm", [](auto& a, auto& b) { return bmm(a, b); }, values({2, 3, 4}), values({2, 4, 2})),
  };
}

}  // namespace kiln::walk
