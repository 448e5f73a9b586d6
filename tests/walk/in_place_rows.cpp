#include "rows.h"

namespace kiln::walk {
namespace {

// f writes a copy of the first operand.
template <class F>
Subject written(const char* name, F f, double low = 0.5, double high = 0.9) {
  return {name, {values({3, 4}, low, high)}, [f](const Tensors& in) {
            const Tensor x = in[0].defined() ? in[0].clone() : in[0];
            f(x);
            return Tensors{x};
          }};
}
template <class F>
Subject written(const char* name, F f, const Tensor& other) {
  return {name, {values({3, 4}), other}, [f](const Tensors& in) {
            const Tensor x = in[0].defined() ? in[0].clone() : in[0];
            f(x, in[1]);
            return Tensors{x};
          }};
}
template <class F>
Subject with_number(const char* name, F f) {
  return with_ends(written(name, [f](auto& x) { f(x, 1); }),
                   {[f](const Tensors& in) { f(in[0].to(int64), kMost); },
                    [f](const Tensors& in) { f(in[0].to(int64), kLeast); },
                    [f](const Tensors& in) { f(in[0].to(uint8), kMost); }});
}

Rows with_tensor() {
  const Tensor b = values({3, 4}, 0.5, 2);
  const auto bools = [](Subject row) { return without_gradient(std::move(row), "has no gradient"); };
  return {
      written(
          "add_", [](auto& x, auto& y) { x.add_(y, 2); }, b),
      written(
          "sub_", [](auto& x, auto& y) { x.sub_(y, 2); }, b),
      written(
          "mul_", [](auto& x, auto& y) { x.mul_(y); }, b),
      written(
          "div_", [](auto& x, auto& y) { x.div_(y); }, b),
      two(
          "pow_",
          [](auto& x, auto& y) {
            const Tensor z = x.defined() ? x.clone() : x;
            return z.pow_(y);
          },
          values({3, 4}, 0.5, 2), b),
      bools(written(
          "floor_divide_", [](auto& x, auto& y) { x.floor_divide_(y); }, b)),
      bools(written(
          "remainder_", [](auto& x, auto& y) { x.remainder_(y); }, b)),
      bools(written(
          "eq_", [](auto& x, auto& y) { x.eq_(y); }, b)),
      bools(written(
          "ne_", [](auto& x, auto& y) { x.ne_(y); }, b)),
      bools(written(
          "lt_", [](auto& x, auto& y) { x.lt_(y); }, b)),
      bools(written(
          "le_", [](auto& x, auto& y) { x.le_(y); }, b)),
      bools(written(
          "gt_", [](auto& x, auto& y) { x.gt_(y); }, b)),
      bools(written(
          "ge_", [](auto& x, auto& y) { x.ge_(y); }, b)),
      bools(written(
          "logical_and_", [](auto& x, auto& y) { x.logical_and_(y); }, b)),
      bools(written(
          "logical_or_", [](auto& x, auto& y) { x.logical_or_(y); }, b)),
      bools(written(
          "logical_xor_", [](auto& x, auto& y) { x.logical_xor_(y); }, b)),
      written(
          "copy_", [](auto& x, auto& y) { x.copy_(y); }, b),
      written(
          "masked_fill_", [](auto& x, auto& y) { x.masked_fill_(y, 2); }, values({3, 4}) > 0),
  };
}

Rows with_integers() {
  const auto row = [](const char* name, auto f) {
    return without_gradient({name,
                             {randint(0, 9, {3, 4}), randint(0, 9, {3, 4})},
                             [f](const Tensors& in) {
                               const Tensor x = in[0].defined() ? in[0].clone() : in[0];
                               f(x, in[1]);
                               return Tensors{x};
                             }},
                            "has integers or bools only");
  };
  return {row("bitwise_and_", [](auto& x, auto& y) { x.bitwise_and_(y); }),
          row("bitwise_or_", [](auto& x, auto& y) { x.bitwise_or_(y); }),
          row("bitwise_xor_", [](auto& x, auto& y) { x.bitwise_xor_(y); }),
          row("bitwise_not_", [](auto& x, auto&) { x.bitwise_not_(); })};
}

Rows with_index() {
  const Tensor at = positions({2, 0}, {2});
  const auto row = [&](const char* name, auto f, const Tensor& index, const Tensor& source) {
    return Subject{name, {values({3, 4}), index, source}, [f](const Tensors& in) {
                     const Tensor x = in[0].defined() ? in[0].clone() : in[0];
                     f(x, in[1], in[2]);
                     return Tensors{x};
                   }};
  };
  return {row(
              "index_add_", [](auto& x, auto& i, auto& s) { x.index_add_(0, i, s); }, at, values({2, 4})),
          row(
              "index_copy_", [](auto& x, auto& i, auto& s) { x.index_copy_(0, i, s); }, at, values({2, 4})),
          row(
              "scatter_add_", [](auto& x, auto& i, auto& s) { x.scatter_add_(0, i, s); },
              positions({2, 0, 1, 1, 0, 2, 2, 2}, {2, 4}), values({2, 4})),
          row(
              "index_put_", [](auto& x, auto& i, auto& s) { x.index_put_({i}, s); }, at, values({2, 4}))};
}

}  // namespace

Rows in_place_rows() {
  Rows rows = with_tensor();
  for (const Rows& more : {with_integers(), with_index()}) rows.insert(rows.end(), more.begin(), more.end());
  const Rows rest = {
      with_number("add_", [](const auto& x, int64_t n) { x.add_(n); }),
      with_number("sub_", [](const auto& x, int64_t n) { x.sub_(n); }),
      with_number("mul_", [](const auto& x, int64_t n) { x.mul_(n); }),
      with_number("div_", [](const auto& x, int64_t n) { x.div_(n); }),
      with_number("pow_", [](const auto& x, int64_t n) { x.pow_(n); }),
      with_number("fill_", [](const auto& x, int64_t n) { x.fill_(n); }),
      with_number("clamp_", [](const auto& x, int64_t n) { x.clamp_(n, n); }),
      with_number("clamp_min_", [](const auto& x, int64_t n) { x.clamp_min_(n); }),
      with_number("clamp_max_", [](const auto& x, int64_t n) { x.clamp_max_(n); }),
      without_gradient(written("logical_not_", [](auto& x) { x.logical_not_(); })),
      written("neg_", [](auto& x) { x.neg_(); }),
      written("abs_", [](auto& x) { x.abs_(); }),
      written("sign_", [](auto& x) { x.sign_(); }),
      written("square_", [](auto& x) { x.square_(); }),
      written("sqrt_", [](auto& x) { x.sqrt_(); }),
      written("rsqrt_", [](auto& x) { x.rsqrt_(); }),
      written("reciprocal_", [](auto& x) { x.reciprocal_(); }),
      written("exp_", [](auto& x) { x.exp_(); }),
      written("expm1_", [](auto& x) { x.expm1_(); }),
      written("log_", [](auto& x) { x.log_(); }),
      written("log1p_", [](auto& x) { x.log1p_(); }),
      written("log2_", [](auto& x) { x.log2_(); }),
      written("log10_", [](auto& x) { x.log10_(); }),
      written("sin_", [](auto& x) { x.sin_(); }),
      written("cos_", [](auto& x) { x.cos_(); }),
      written("tan_", [](auto& x) { x.tan_(); }),
      written(
          "asin_", [](auto& x) { x.asin_(); }, -0.7, 0.7),
      written(
          "acos_", [](auto& x) { x.acos_(); }, -0.7, 0.7),
      written("atan_", [](auto& x) { x.atan_(); }),
      written("sinh_", [](auto& x) { x.sinh_(); }),
      written("cosh_", [](auto& x) { x.cosh_(); }),
      written("tanh_", [](auto& x) { x.tanh_(); }),
      written("erf_", [](auto& x) { x.erf_(); }),
      written("floor_", [](auto& x) { x.floor_(); }),
      written("ceil_", [](auto& x) { x.ceil_(); }),
      written(
          "round_", [](auto& x) { x.round_(); }, 0.6, 0.9),
      written("trunc_", [](auto& x) { x.trunc_(); }),
      written(
          "relu_", [](auto& x) { x.relu_(); }, -2, 2),
      written(
          "relu6_", [](auto& x) { relu6_(x); }, 1, 5),
      written("silu_", [](auto& x) { silu_(x); }),
      written("hardswish_", [](auto& x) { hardswish_(x); }),
      written("hardsigmoid_", [](auto& x) { hardsigmoid_(x); }),
      written("sigmoid_", [](auto& x) { x.sigmoid_(); }),
      with_ends(written("cumsum_", [](auto& x) { x.cumsum_(1); }),
                {[](const Tensors& in) { in[0].clone().cumsum_(INT32_MIN); }}),
      written("zero_", [](auto& x) { x.zero_(); }),
      without_gradient(written("uniform_", [](auto& x) { x.uniform_(); })),
      without_gradient(written("normal_", [](auto& x) { x.normal_(); })),
  };
  rows.insert(rows.end(), rest.begin(), rest.end());
  return rows;
}

}  // namespace kiln::walk
