#include "rows.h"
#include "support/unary_rows.h"

namespace kiln::walk {
namespace {

template <class F>
Subject pair(const char* name, F f) {
  return two(name, f, values({3, 4}), values({3, 4}, 0.5, 2));
}
template <class F>
Subject compared(const char* name, F f) {
  return without_gradient(pair(name, f), "gives bools");
}
template <class F>
Subject bits(const char* name, F f) {
  return without_gradient(two(name, f, randint(0, 9, {3, 4}), randint(0, 9, {3, 4})),
                          "has integers or bools only");
}
Rows maths() {
  Rows rows = {
      without_gradient(one("logical_not", [](auto& x) { return logical_not(x); }), "gives bools"),
      without_gradient(one("bitwise_not", [](auto& x) { return bitwise_not(x.to(int64)); }),
                       "has integers only"),
      without_gradient(one("isnan", [](auto& x) { return isnan(x); }), "gives bools"),
      without_gradient(one("isinf", [](auto& x) { return isinf(x); }), "gives bools"),
      without_gradient(one("isfinite", [](auto& x) { return isfinite(x); }), "gives bools"),
      with_ends(one("clamp", [](auto& x) { return clamp(x, -1, 1); }),
                {[](const Tensors& in) { clamp(in[0].to(int8), kLeast, kMost); },
                 [](const Tensors& in) { clamp(in[0].to(int64), kMost, kLeast); }}),
      one("clamp_min", [](auto& x) { return clamp_min(x, -1); }),
      one("clamp_max", [](auto& x) { return clamp_max(x, 1); }),
  };
  for (const test::UnaryRow& row : test::unary_rows()) {
    const std::string_view name = row.name;
    rows.push_back(one(std::string(name.substr(0, name.find_first_of(" ,"))).c_str(), row.op, {3, 4}, row.low,
                       row.high));
  }
  return rows;
}

}  // namespace

Rows elementwise_rows() {
  Rows rows = {
      pair("add", [](auto& a, auto& b) { return add(a, b, 2); }),
      pair("sub", [](auto& a, auto& b) { return sub(a, b, 2); }),
      pair("mul", [](auto& a, auto& b) { return mul(a, b); }),
      pair("div", [](auto& a, auto& b) { return div(a, b); }),
      two(
          "pow", [](auto& a, auto& b) { return pow(a, b); }, values({3, 4}, 0.5, 2), values({3, 4}, 0.5, 2)),
      pair("maximum", [](auto& a, auto& b) { return maximum(a, b); }),
      pair("minimum", [](auto& a, auto& b) { return minimum(a, b); }),
      without_gradient(pair("floor_divide", [](auto& a, auto& b) { return floor_divide(a, b); })),
      two(
          "remainder", [](auto& a, auto& b) { return remainder(a, b); }, values({3, 4}, 0.1, 0.4),
          values({3, 4}, 0.6, 0.9)),
      without_gradient(one("floor_divide", [](auto& a) { return floor_divide(a, 2.5); })),
      one("remainder", [](auto& a) { return remainder(a, 2.5); }),
      one("add", [](auto& a) { return add(a, 2.5); }),
      one("sub", [](auto& a) { return sub(a, 2.5); }),
      one("mul", [](auto& a) { return mul(a, 2.5); }),
      one("div", [](auto& a) { return div(a, 2.5); }),
      one("rsub", [](auto& a) { return rsub(a, 2.5); }),
      one("pow", [](auto& a) { return pow(a, 3); }),
      one("pow", [](auto& a) { return pow(2.5, a); }),
      one(
          "operator/", [](auto& a) { return 2.5 / a; }, {3, 4}, 0.5, 2),
      compared("eq", [](auto& a, auto& b) { return eq(a, b); }),
      compared("ne", [](auto& a, auto& b) { return ne(a, b); }),
      compared("lt", [](auto& a, auto& b) { return lt(a, b); }),
      compared("le", [](auto& a, auto& b) { return le(a, b); }),
      compared("gt", [](auto& a, auto& b) { return gt(a, b); }),
      compared("ge", [](auto& a, auto& b) { return ge(a, b); }),
      compared("logical_and", [](auto& a, auto& b) { return logical_and(a, b); }),
      compared("logical_or", [](auto& a, auto& b) { return logical_or(a, b); }),
      compared("logical_xor", [](auto& a, auto& b) { return logical_xor(a, b); }),
      compared("equal", [](auto& a, auto& b) { return tensor(equal(a, b)); }),
      compared("allclose", [](auto& a, auto& b) { return tensor(allclose(a, b)); }),
      bits("bitwise_and", [](auto& a, auto& b) { return bitwise_and(a, b); }),
      bits("bitwise_or", [](auto& a, auto& b) { return bitwise_or(a, b); }),
      bits("bitwise_xor", [](auto& a, auto& b) { return bitwise_xor(a, b); }),
  };
  for (Subject& row : rows)
    if (row.inputs.size() == 1)
      row.ends = {[call = row.call](const Tensors& in) { call({in[0].to(int64)}); },
                  [](const Tensors& in) { mul(in[0].to(int64), kMost); },
                  [](const Tensors& in) { sub(in[0].to(int64), kLeast); },
                  [](const Tensors& in) { pow(in[0].to(int64), kMost); },
                  [](const Tensors& in) { pow(in[0].to(int64), kLeast); },
                  [](const Tensors& in) { floor_divide(full_like(in[0].to(int64), kLeast), tensor(-1)); },
                  [](const Tensors& in) { remainder(full_like(in[0].to(int64), kLeast), tensor(-1)); },
                  [](const Tensors& in) { floor_divide(in[0].to(int64), tensor(0)); },
                  [](const Tensors& in) { remainder(in[0].to(int64), tensor(0)); },
                  [](const Tensors&) { neg(tensor(kLeast)); },
                  [](const Tensors&) { abs(tensor(kLeast)); }};
  for (const Rows& more : {maths()}) rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace kiln::walk
