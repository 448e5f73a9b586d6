#include "rows.h"

namespace kiln::walk {
namespace {

using indexing::None;
using indexing::Slice;

Subject three(const char* name, const std::function<Tensor(const Tensor&, const Tensor&, const Tensor&)>& f,
              const Tensor& a, const Tensor& b, const Tensor& c) {
  return {name, {a, b, c}, [f](const Tensors& in) { return Tensors{f(in[0], in[1], in[2])}; }};
}

Tensor at() { return positions({2, 0}, {2}); }
Tensor grid() { return positions({2, 0, 1, 1, 0, 2, 2, 2}, {2, 4}); }
Tensor mask() { return values({3, 4}) > 0; }

Rows reads() {
  return {
      with_ends(
          one("index",
              [](auto& x) {
                return x.index({1, Slice(0, 4, 2)});
              }),
          {[](const Tensors& in) { in[0].index({kMost}); }, [](const Tensors& in) { in[0].index({kLeast}); },
           [](const Tensors& in) { in[0].index({Slice(kLeast, kMost, kMost)}); },
           [](const Tensors& in) { in[0].index({Slice(kMost, kLeast, kLeast)}); },
           [](const Tensors& in) {
             in[0].index({None, None, None, None, None, None, None});
           },
           [](const Tensors& in) {
             in[0].index({tensor({kMost, kLeast})});
           }}),
      two(
          "index", [](auto& x, auto& i) { return x.index({i}); }, values({3, 4}), at()),
      two(
          "index", [](auto& x, auto& m) { return x.index({m}); }, values({3, 4}), mask()),
      two(
          "operator[]",
          [](auto& x, auto& i) {
            return Tensor(x[{Slice(), i}]);
          },
          values({4, 3}), at()),
      three(
          "index_put", [](auto& x, auto& i, auto& v) { return index_put(x, {i}, v); }, values({3, 4}), at(),
          values({2, 4})),
      three(
          "index_put", [](auto& x, auto& i, auto& v) { return index_put(x, {i}, v, true); }, values({3, 4}),
          at(), values({2, 4})),
      without_gradient(one("nonzero", [](auto& x) { return nonzero(x); }), "gives positions"),
      two(
          "masked_select", [](auto& x, auto& m) { return masked_select(x, m); }, values({3, 4}), mask()),
      three(
          "where", [](auto& c, auto& x, auto& y) { return where(c, x, y); }, mask(), values({3, 4}),
          values({3, 4}, 1, 2)),
      two(
          "where", [](auto& c, auto& x) { return where(c, x, 0.5); }, mask(), values({3, 4})),
      two(
          "where", [](auto& c, auto& y) { return where(c, 0.5, y); }, mask(), values({3, 4})),
      with_ends(
          two(
              "masked_fill", [](auto& x, auto& m) { return masked_fill(x, m, 2); }, values({3, 4}), mask()),
          {[](const Tensors& in) { masked_fill(in[0].to(int8), in[1], kMost); }}),
      with_ends(two(
                    "gather", [](auto& x, auto& i) { return gather(x, 0, i); }, values({3, 4}), grid()),
                {[](const Tensors& in) { gather(in[0], 0, full_like(in[1], kMost)); },
                 [](const Tensors& in) { gather(in[0], 0, full_like(in[1], kLeast)); },
                 [](const Tensors& in) { gather(in[0], INT32_MAX, in[1]); }}),
  };
}

Rows writes() {
  return {
      with_ends(three(
                    "scatter_add", [](auto& x, auto& i, auto& s) { return scatter_add(x, 0, i, s); },
                    values({3, 4}), grid(), values({2, 4})),
                {[](const Tensors& in) { scatter_add(in[0], 0, full_like(in[1], kMost), in[2]); }}),
      with_ends(
          two(
              "index_select", [](auto& x, auto& i) { return index_select(x, 0, i); }, values({3, 4}), at()),
          {[](const Tensors& in) { index_select(in[0], 0, full_like(in[1], kLeast)); },
           [](const Tensors& in) { index_select(in[0], INT32_MIN, in[1]); }}),
      with_ends(three(
                    "index_add", [](auto& x, auto& i, auto& s) { return index_add(x, 0, i, s); },
                    values({3, 4}), at(), values({2, 4})),
                {[](const Tensors& in) { index_add(in[0], 0, full_like(in[1], kMost), in[2]); }}),
      with_ends(three(
                    "index_copy", [](auto& x, auto& i, auto& s) { return index_copy(x, 0, i, s); },
                    values({3, 4}), at(), values({2, 4})),
                {[](const Tensors& in) { index_copy(in[0], 0, full_like(in[1], kLeast), in[2]); }}),
      with_ends(
          without_gradient({"one_hot", {at()}, [](const Tensors& in) { return Tensors{one_hot(in[0], 4)}; }}),
          {[](const Tensors& in) { one_hot(in[0], kMost); },
           [](const Tensors& in) { one_hot(in[0], kLeast); },
           [](const Tensors&) { one_hot(tensor({kMost}), -1); }}),
      with_ends(
          {"topk",
           {values({3, 4})},
           [](const Tensors& in) {
             const auto y = topk(in[0], 2);
             return Tensors{y.values, y.indices};
           }},
          {[](const Tensors& in) { topk(in[0], kMost); }, [](const Tensors& in) { topk(in[0], kLeast); }}),
      with_ends({"sort",
                 {values({3, 4})},
                 [](const Tensors& in) {
                   const auto y = sort(in[0]);
                   return Tensors{y.values, y.indices};
                 }},
                {[](const Tensors& in) { sort(in[0], INT32_MAX); }}),
      without_gradient(one("argsort", [](auto& x) { return argsort(x); }), "gives positions"),
  };
}

}  // namespace

Rows index_rows() {
  Rows rows = reads();
  const Rows more = writes();
  rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace kiln::walk
