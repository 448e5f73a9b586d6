#include <kiln/kernels/elementwise/unary.h>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

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

using autograd::record;
using autograd::Saved;
using autograd::SavedOutput;
using kernels::UnaryOp;
using kernels::UnaryParameters;
using kernels::math::Needs;

// g * f'(saved).
Tensor unary_backward(UnaryOp op, const UnaryParameters& parameters, const Tensor& saved, const Tensor& g) {
  if (autograd::detail::wants_record({saved, g}))
    return kernels::math::visit_unary(op, parameters, [&](const auto& function) -> Tensor {
      return (g * function.df(saved)).to(g.dtype());
    });
  const Tensor dx = empty_dense(result_layout("unary_backward", saved, g), g.dtype(), g.device());
  on(g.device(), [&](auto& ctx) { kernels::unary_backward(ctx, op, parameters, saved, g, dx); });
  return dx;
}

constexpr bool computes_in_float32(UnaryOp op) {
  switch (op) {
    case UnaryOp::exp:
    case UnaryOp::expm1:
    case UnaryOp::log:
    case UnaryOp::log1p:
    case UnaryOp::log2:
    case UnaryOp::log10:
    case UnaryOp::rsqrt:
    case UnaryOp::reciprocal:
    case UnaryOp::tan:
    case UnaryOp::asin:
    case UnaryOp::acos:
    case UnaryOp::sinh:
    case UnaryOp::cosh:
    case UnaryOp::softplus:
      return true;
    default:
      return false;
  }
}

template <UnaryOp op>
Tensor unary(const char* name, const Tensor& x, const UnaryParameters& parameters = {}) {
  if constexpr (computes_in_float32(op))
    if (autocast_enabled())
      return in_float32([&](const Tensor& wide) { return unary<op>(name, wide, parameters); }, x);
  check_defined(name, x);
  if (is_storage_only(x.dtype())) fail("{}: {} is storage only", name, x.dtype());
  const DType dtype = x.is_floating_point() ? x.dtype() : float32;
  const Tensor y = empty_dense(dense_like(x.layout()), dtype, x.device());
  on(x.device(), [&](auto& ctx) { kernels::unary(ctx, op, parameters, x, y); });
  if (!autograd::detail::wants_record({x})) return y;
  constexpr Needs needs = kernels::math::Unary<op>::needs;
  if constexpr (needs == Needs::x)
    return record(name, {x}, y, [x = Saved(x), parameters](const Tensor& g) {
      return unary_backward(op, parameters, x.get(), g);
    });
  else if constexpr (needs == Needs::y)
    return record(name, {x}, y, [y = SavedOutput(y), parameters](const Tensor& g) {
      return unary_backward(op, parameters, y.get(), g);
    });
  else
    return record(name, {x}, y,
                  [parameters](const Tensor& g) { return g * kernels::math::Unary<op>{{parameters}}.df(g); });
}

bool integral(const char* op, const Tensor& x) {
  check_defined(op, x);
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

const Tensor& Tensor::relu_() const {
  check_defined("relu_", *this);
  if (!is_floating_point()) return clamp_(0, INT64_MAX);
  autograd::begin_in_place("relu_", *this);
  on(device(), [&](auto& ctx) { kernels::unary(ctx, UnaryOp::relu, {}, *this, *this); });
  if (autograd::detail::wants_record({*this}))
    autograd::record_in_place("relu_", *this, {*this}, [y = SavedOutput(*this)](const Tensor& g) {
      return unary_backward(UnaryOp::relu, {}, y.get(), g);
    });
  return *this;
}

}  // namespace kiln
