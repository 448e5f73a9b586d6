#include <kiln/kernels/elementwise/unary.h>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

// Written for the formulas of derivatives, which are evaluated on Tensors too and find these by
// argument-dependent lookup.
static Tensor pick(const Tensor& condition, double a, double b) {
  const TensorOptions options{.dtype = float64, .device = condition.device()};
  return where(condition, full({}, a, options), full({}, b, options));
}
static Tensor pick(const Tensor& condition, double a, const Tensor& b) {
  return where(condition, full({}, a, like(b)), b);
}

}  // namespace kiln

#include <kiln/kernels/elementwise/unary_functions.h>

namespace kiln {
namespace {

using autograd::Op;
using autograd::Saved;
using autograd::SavedOutput;
using kernels::UnaryOp;
using kernels::UnaryParameters;
using kernels::math::Needs;

// g * f'(saved).
Tensor unary_backward(UnaryOp which, const UnaryParameters& parameters, const Tensor& kept,
                      const Tensor& gradient) {
  Op op("unary_backward");
  const Tensor &saved = op.operand("saved", kept), &g = op.operand("g", gradient);
  if (op.records())
    return op.result(kernels::math::visit_unary(which, parameters, [&](const auto& function) -> Tensor {
      return (g * function.df(saved)).to(g.dtype());
    }));
  const Tensor dx = empty_dense(result_layout("unary_backward", saved, g), g.dtype(), g.device());
  on(g.device(), [&](auto& ctx) { kernels::unary_backward(ctx, which, parameters, saved, g, dx); });
  return op.result(dx);
}

void see_parameters(Op& op, UnaryOp which, const UnaryParameters& parameters) {
  if (which == UnaryOp::leaky_relu) op.attribute("negative_slope", parameters.a.wide);
  if (which == UnaryOp::softplus) {
    op.attribute("beta", parameters.a.wide);
    op.attribute("threshold", parameters.b.wide);
  }
  if (which == UnaryOp::gelu) op.attribute("approximate", "none");
  if (which == UnaryOp::gelu_tanh) op.attribute("approximate", "tanh");
}

template <UnaryOp which>
Tensor unary(const char* name, const Tensor& input, const UnaryParameters& parameters = {}) {
  Op op(name);
  const Tensor& x = op.operand("x", input);
  see_parameters(op, which, parameters);
  const DType dtype = x.is_floating_point() ? x.dtype() : float32;
  const Tensor y = empty_dense(dense_like(x.layout()), dtype, x.device());
  on(x.device(), [&](auto& ctx) { kernels::unary(ctx, which, parameters, x, y); });
  if (!op.records()) return op.result(y);
  constexpr Needs needs = kernels::math::Unary<which>::needs;
  if constexpr (needs == Needs::x)
    return op.record(y, [x = Saved(x), parameters](const Tensor& g) {
      return unary_backward(which, parameters, x.get(), g);
    });
  else if constexpr (needs == Needs::y)
    return op.record(y, [y = SavedOutput(y), parameters](const Tensor& g) {
      return unary_backward(which, parameters, y.get(), g);
    });
  else
    return op.record(
        y, [parameters](const Tensor& g) { return g * kernels::math::Unary<which>{{parameters}}.df(g); });
}

// x = f(x). Where the derivative is one of x, a copy of x is kept for it.
template <UnaryOp which>
const Tensor& unary_in_place(const char* name, const Tensor& target) {
  Op op(name);
  const Tensor& x = op.operand("x", target, autograd::Kind::floating);
  op.begin_write();
  constexpr bool needs_x = kernels::math::Unary<which>::needs == Needs::x;
  const Tensor before = needs_x && op.records() ? clone(x) : Tensor();
  on(x.device(), [&](auto& ctx) { kernels::unary(ctx, which, {}, x, x); });
  if (!op.records())
    op.written();
  else
    op.record_write([kept = needs_x ? Saved(before) : Saved(SavedOutput(x))](const Tensor& g) {
      return unary_backward(which, {}, kept.get(), g);
    });
  return target;
}

bool integral(const char* op, const Tensor& x) {
  if (!x.defined()) fail("{}: x is an undefined tensor", op);
  if (x.dtype() == bool8) fail("{}: bool tensors are not supported", op);
  return is_integral(x.dtype());
}

}  // namespace

Tensor neg(const Tensor& x) { return integral("neg", x) ? rsub(x, 0) : unary<UnaryOp::neg>("neg", x); }
Tensor abs(const Tensor& x) {
  if (!integral("abs", x)) return unary<UnaryOp::abs>("abs", x);
  return x.dtype() == uint8 ? clone(x) : maximum(x, neg(x));
}
Tensor sign(const Tensor& x) {
  return integral("sign", x) ? (x > 0).to(x.dtype()) - (x < 0).to(x.dtype())
                             : unary<UnaryOp::sign>("sign", x);
}
Tensor square(const Tensor& x) {
  return integral("square", x) ? mul(x, x) : unary<UnaryOp::square>("square", x);
}
Tensor relu(const Tensor& x) {
  return integral("relu", x) ? clamp(x, 0, {}) : unary<UnaryOp::relu>("relu", x);
}
Tensor relu6(const Tensor& x) {
  return integral("relu6", x) ? clamp(x, 0, 6) : unary<UnaryOp::relu6>("relu6", x);
}
Tensor floor(const Tensor& x) { return integral("floor", x) ? clone(x) : unary<UnaryOp::floor>("floor", x); }
Tensor ceil(const Tensor& x) { return integral("ceil", x) ? clone(x) : unary<UnaryOp::ceil>("ceil", x); }
Tensor round(const Tensor& x) { return integral("round", x) ? clone(x) : unary<UnaryOp::round>("round", x); }
Tensor trunc(const Tensor& x) { return integral("trunc", x) ? clone(x) : unary<UnaryOp::trunc>("trunc", x); }

Tensor sqrt(const Tensor& x) { return unary<UnaryOp::sqrt>("sqrt", x); }
Tensor rsqrt(const Tensor& x) { return unary<UnaryOp::rsqrt>("rsqrt", x); }
Tensor reciprocal(const Tensor& x) { return unary<UnaryOp::reciprocal>("reciprocal", x); }
Tensor exp(const Tensor& x) { return unary<UnaryOp::exp>("exp", x); }
Tensor expm1(const Tensor& x) { return unary<UnaryOp::expm1>("expm1", x); }
Tensor log(const Tensor& x) { return unary<UnaryOp::log>("log", x); }
Tensor log1p(const Tensor& x) { return unary<UnaryOp::log1p>("log1p", x); }
Tensor log2(const Tensor& x) { return unary<UnaryOp::log2>("log2", x); }
Tensor log10(const Tensor& x) { return unary<UnaryOp::log10>("log10", x); }
Tensor sin(const Tensor& x) { return unary<UnaryOp::sin>("sin", x); }
Tensor cos(const Tensor& x) { return unary<UnaryOp::cos>("cos", x); }
Tensor tan(const Tensor& x) { return unary<UnaryOp::tan>("tan", x); }
Tensor asin(const Tensor& x) { return unary<UnaryOp::asin>("asin", x); }
Tensor acos(const Tensor& x) { return unary<UnaryOp::acos>("acos", x); }
Tensor atan(const Tensor& x) { return unary<UnaryOp::atan>("atan", x); }
Tensor sinh(const Tensor& x) { return unary<UnaryOp::sinh>("sinh", x); }
Tensor cosh(const Tensor& x) { return unary<UnaryOp::cosh>("cosh", x); }
Tensor tanh(const Tensor& x) { return unary<UnaryOp::tanh>("tanh", x); }
Tensor erf(const Tensor& x) { return unary<UnaryOp::erf>("erf", x); }
Tensor hardswish(const Tensor& x) { return unary<UnaryOp::hardswish>("hardswish", x); }
Tensor hardsigmoid(const Tensor& x) { return unary<UnaryOp::hardsigmoid>("hardsigmoid", x); }
Tensor silu(const Tensor& x) { return unary<UnaryOp::silu>("silu", x); }
Tensor sigmoid(const Tensor& x) { return unary<UnaryOp::sigmoid>("sigmoid", x); }
Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return unary<UnaryOp::leaky_relu>("leaky_relu", x, {negative_slope});
}
Tensor gelu(const Tensor& x, GeluApproximation approximate) {
  if (approximate == GeluApproximation::tanh) return unary<UnaryOp::gelu_tanh>("gelu", x);
  return unary<UnaryOp::gelu>("gelu", x);
}
Tensor softplus(const Tensor& x, double beta, double threshold) {
  if (!(beta != 0)) fail("softplus: beta must not be {}", beta);
  return unary<UnaryOp::softplus>("softplus", x, {beta, threshold});
}

const Tensor& relu6_(const Tensor& x) { return unary_in_place<UnaryOp::relu6>("relu6_", x); }
const Tensor& hardswish_(const Tensor& x) { return unary_in_place<UnaryOp::hardswish>("hardswish_", x); }
const Tensor& hardsigmoid_(const Tensor& x) {
  return unary_in_place<UnaryOp::hardsigmoid>("hardsigmoid_", x);
}
const Tensor& silu_(const Tensor& x) { return unary_in_place<UnaryOp::silu>("silu_", x); }

const Tensor& Tensor::relu_() const {
  if (integral("relu_", *this)) return clamp_(0, INT64_MAX);
  return unary_in_place<UnaryOp::relu>("relu_", *this);
}

}  // namespace kiln
