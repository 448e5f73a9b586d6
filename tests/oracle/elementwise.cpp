#include <oracle/call.h>

namespace kiln::oracle {
namespace {

template <Tensor (*kOp)(const Tensor&)>
Tensors unary(const Call& call) {
  return {kOp(call.in(0))};
}
template <Tensor (*kOp)(const Tensor&, const Tensor&)>
Tensors binary(const Call& call) {
  return {kOp(call.in(0), call.in(1))};
}
template <Tensor (*kOp)(const Tensor&, const Scalar&)>
Tensors with_scalar(const Call& call) {
  return {kOp(call.in(0), call.scalar("other"))};
}

// Runs f on a copy of the first input in place, as in y = x.clone(); y.add_(...).
template <class F>
Function in_place(F f) {
  return [f](const Call& call) {
    const Tensor y = call.in(0).clone();
    f(y, call);
    return Tensors{y};
  };
}

void add_unary(Table& table) {
  table["neg"] = unary<neg>;
  table["abs"] = unary<abs>;
  table["sign"] = unary<sign>;
  table["square"] = unary<square>;
  table["sqrt"] = unary<sqrt>;
  table["rsqrt"] = unary<rsqrt>;
  table["reciprocal"] = unary<reciprocal>;
  table["exp"] = unary<exp>;
  table["expm1"] = unary<expm1>;
  table["log"] = unary<log>;
  table["log1p"] = unary<log1p>;
  table["log2"] = unary<log2>;
  table["log10"] = unary<log10>;
  table["sin"] = unary<sin>;
  table["cos"] = unary<cos>;
  table["tan"] = unary<tan>;
  table["asin"] = unary<asin>;
  table["acos"] = unary<acos>;
  table["atan"] = unary<atan>;
  table["sinh"] = unary<sinh>;
  table["cosh"] = unary<cosh>;
  table["tanh"] = unary<tanh>;
  table["erf"] = unary<erf>;
  table["floor"] = unary<floor>;
  table["ceil"] = unary<ceil>;
  table["round"] = unary<round>;
  table["trunc"] = unary<trunc>;
  table["isnan"] = unary<isnan>;
  table["isinf"] = unary<isinf>;
  table["isfinite"] = unary<isfinite>;
  table["relu"] = unary<relu>;
  table["relu6"] = unary<relu6>;
  table["hardswish"] = unary<hardswish>;
  table["hardsigmoid"] = unary<hardsigmoid>;
  table["silu"] = unary<silu>;
  table["sigmoid"] = unary<sigmoid>;
  table["logical_not"] = unary<logical_not>;
  table["leaky_relu"] = [](const Call& c) {
    return Tensors{leaky_relu(c.in(0), c.real("negative_slope", 0.01))};
  };
  table["softplus"] = [](const Call& c) {
    return Tensors{softplus(c.in(0), c.real("beta", 1), c.real("threshold", 20))};
  };
  table["gelu"] = [](const Call& c) {
    return Tensors{gelu(c.in(0), c.flag("tanh") ? GeluApproximation::tanh : GeluApproximation::none)};
  };
  table["clamp"] = [](const Call& c) {
    const auto bound = [&](const char* name) {
      return c.has(name) ? std::optional(c.scalar(name)) : std::nullopt;
    };
    return Tensors{clamp(c.in(0), bound("min"), bound("max"))};
  };
}

void add_binary(Table& table) {
  table["add"] = [](const Call& c) {
    return Tensors{c.has("alpha") ? add(c.in(0), c.in(1), c.scalar("alpha")) : c.in(0) + c.in(1)};
  };
  table["sub"] = [](const Call& c) {
    return Tensors{c.has("alpha") ? sub(c.in(0), c.in(1), c.scalar("alpha")) : c.in(0) - c.in(1)};
  };
  table["mul"] = binary<mul>;
  table["div"] = binary<div>;
  table["pow"] = binary<pow>;
  table["maximum"] = binary<maximum>;
  table["minimum"] = binary<minimum>;
  table["floor_divide"] = binary<floor_divide>;
  table["remainder"] = binary<remainder>;
  table["eq"] = binary<eq>;
  table["ne"] = binary<ne>;
  table["lt"] = binary<lt>;
  table["le"] = binary<le>;
  table["gt"] = binary<gt>;
  table["ge"] = binary<ge>;
  table["logical_and"] = binary<logical_and>;
  table["logical_or"] = binary<logical_or>;
  table["add_scalar"] = with_scalar<add>;
  table["sub_scalar"] = with_scalar<sub>;
  table["mul_scalar"] = with_scalar<mul>;
  table["div_scalar"] = with_scalar<div>;
  table["pow_scalar"] = with_scalar<pow>;
  table["rsub_scalar"] = with_scalar<rsub>;
  table["lt_scalar"] = with_scalar<lt>;
  table["eq_scalar"] = with_scalar<eq>;
  table["scalar_pow"] = [](const Call& c) { return Tensors{pow(c.scalar("other"), c.in(0))}; };
  table["scalar_div"] = [](const Call& c) { return Tensors{c.scalar("other") / c.in(0)}; };
}

void add_in_place(Table& table) {
  table["add_"] = in_place([](const Tensor& y, const Call& c) { y.add_(c.in(1)); });
  table["sub_"] = in_place([](const Tensor& y, const Call& c) { y.sub_(c.in(1)); });
  table["mul_"] = in_place([](const Tensor& y, const Call& c) { y.mul_(c.in(1)); });
  table["div_"] = in_place([](const Tensor& y, const Call& c) { y.div_(c.in(1)); });
  table["mul_scalar_"] = in_place([](const Tensor& y, const Call& c) { y.mul_(c.scalar("other")); });
  table["copy_"] = in_place([](const Tensor& y, const Call& c) { y.copy_(c.in(1)); });
  table["fill_"] = in_place([](const Tensor& y, const Call& c) { y.fill_(c.scalar("other")); });
  table["relu6_"] = in_place([](auto& y, auto&) { relu6_(y); });
  table["silu_"] = in_place([](auto& y, auto&) { silu_(y); });
  table["hardswish_"] = in_place([](auto& y, auto&) { hardswish_(y); });
  table["hardsigmoid_"] = in_place([](auto& y, auto&) { hardsigmoid_(y); });
  table["relu_"] = in_place([](const Tensor& y, const Call&) { y.relu_(); });
  table["clamp_"] =
      in_place([](const Tensor& y, const Call& c) { y.clamp_(c.scalar("min"), c.scalar("max")); });
  table["masked_fill_"] =
      in_place([](const Tensor& y, const Call& c) { y.masked_fill_(c.in(1), c.scalar("other")); });
  table["row_mul_"] = in_place([](const Tensor& y, const Call& c) { y[0].mul_(c.in(1)); });
}

}  // namespace

void add_elementwise(Table& table) {
  add_unary(table);
  add_binary(table);
  add_in_place(table);
}

}  // namespace kiln::oracle
