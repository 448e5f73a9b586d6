#include <kiln/autograd/methods/in_place.h>

#include <kiln/autograd/ops.h>

// The file is made by scripts/methods.

namespace kiln {

const Tensor& Tensor::pow_(const Tensor& b) const {
  return in_place("pow_", {*this, b}, [&](const Tensor& x) { return kiln::pow(x, b); });
}
const Tensor& Tensor::pow_(const Scalar& b) const {
  return in_place("pow_", {*this}, [&](const Tensor& x) { return kiln::pow(x, b); });
}
const Tensor& Tensor::floor_divide_(const Tensor& b) const {
  return in_place("floor_divide_", {*this, b}, [&](const Tensor& x) { return kiln::floor_divide(x, b); });
}
const Tensor& Tensor::remainder_(const Tensor& b) const {
  return in_place("remainder_", {*this, b}, [&](const Tensor& x) { return kiln::remainder(x, b); });
}
const Tensor& Tensor::floor_divide_(const Scalar& b) const {
  return in_place("floor_divide_", {*this}, [&](const Tensor& x) { return kiln::floor_divide(x, b); });
}
const Tensor& Tensor::remainder_(const Scalar& b) const {
  return in_place("remainder_", {*this}, [&](const Tensor& x) { return kiln::remainder(x, b); });
}
const Tensor& Tensor::eq_(const Tensor& b) const {
  return in_place("eq_", {*this, b}, [&](const Tensor& x) { return kiln::eq(x, b); });
}
const Tensor& Tensor::ne_(const Tensor& b) const {
  return in_place("ne_", {*this, b}, [&](const Tensor& x) { return kiln::ne(x, b); });
}
const Tensor& Tensor::lt_(const Tensor& b) const {
  return in_place("lt_", {*this, b}, [&](const Tensor& x) { return kiln::lt(x, b); });
}
const Tensor& Tensor::le_(const Tensor& b) const {
  return in_place("le_", {*this, b}, [&](const Tensor& x) { return kiln::le(x, b); });
}
const Tensor& Tensor::gt_(const Tensor& b) const {
  return in_place("gt_", {*this, b}, [&](const Tensor& x) { return kiln::gt(x, b); });
}
const Tensor& Tensor::ge_(const Tensor& b) const {
  return in_place("ge_", {*this, b}, [&](const Tensor& x) { return kiln::ge(x, b); });
}
const Tensor& Tensor::eq_(const Scalar& b) const {
  return in_place("eq_", {*this}, [&](const Tensor& x) { return kiln::eq(x, b); });
}
const Tensor& Tensor::ne_(const Scalar& b) const {
  return in_place("ne_", {*this}, [&](const Tensor& x) { return kiln::ne(x, b); });
}
const Tensor& Tensor::lt_(const Scalar& b) const {
  return in_place("lt_", {*this}, [&](const Tensor& x) { return kiln::lt(x, b); });
}
const Tensor& Tensor::le_(const Scalar& b) const {
  return in_place("le_", {*this}, [&](const Tensor& x) { return kiln::le(x, b); });
}
const Tensor& Tensor::gt_(const Scalar& b) const {
  return in_place("gt_", {*this}, [&](const Tensor& x) { return kiln::gt(x, b); });
}
const Tensor& Tensor::ge_(const Scalar& b) const {
  return in_place("ge_", {*this}, [&](const Tensor& x) { return kiln::ge(x, b); });
}
const Tensor& Tensor::logical_and_(const Tensor& b) const {
  return in_place("logical_and_", {*this, b}, [&](const Tensor& x) { return kiln::logical_and(x, b); });
}
const Tensor& Tensor::logical_or_(const Tensor& b) const {
  return in_place("logical_or_", {*this, b}, [&](const Tensor& x) { return kiln::logical_or(x, b); });
}
const Tensor& Tensor::logical_xor_(const Tensor& b) const {
  return in_place("logical_xor_", {*this, b}, [&](const Tensor& x) { return kiln::logical_xor(x, b); });
}
const Tensor& Tensor::logical_not_() const {
  return in_place("logical_not_", {*this}, [&](const Tensor& x) { return kiln::logical_not(x); });
}
const Tensor& Tensor::bitwise_and_(const Tensor& b) const {
  return in_place("bitwise_and_", {*this, b}, [&](const Tensor& x) { return kiln::bitwise_and(x, b); });
}
const Tensor& Tensor::bitwise_or_(const Tensor& b) const {
  return in_place("bitwise_or_", {*this, b}, [&](const Tensor& x) { return kiln::bitwise_or(x, b); });
}
const Tensor& Tensor::bitwise_xor_(const Tensor& b) const {
  return in_place("bitwise_xor_", {*this, b}, [&](const Tensor& x) { return kiln::bitwise_xor(x, b); });
}
const Tensor& Tensor::bitwise_and_(const Scalar& b) const {
  return in_place("bitwise_and_", {*this}, [&](const Tensor& x) { return kiln::bitwise_and(x, b); });
}
const Tensor& Tensor::bitwise_or_(const Scalar& b) const {
  return in_place("bitwise_or_", {*this}, [&](const Tensor& x) { return kiln::bitwise_or(x, b); });
}
const Tensor& Tensor::bitwise_xor_(const Scalar& b) const {
  return in_place("bitwise_xor_", {*this}, [&](const Tensor& x) { return kiln::bitwise_xor(x, b); });
}
const Tensor& Tensor::bitwise_not_() const {
  return in_place("bitwise_not_", {*this}, [&](const Tensor& x) { return kiln::bitwise_not(x); });
}
const Tensor& Tensor::neg_() const {
  return in_place("neg_", {*this}, [&](const Tensor& x) { return kiln::neg(x); });
}
const Tensor& Tensor::abs_() const {
  return in_place("abs_", {*this}, [&](const Tensor& x) { return kiln::abs(x); });
}
const Tensor& Tensor::sign_() const {
  return in_place("sign_", {*this}, [&](const Tensor& x) { return kiln::sign(x); });
}
const Tensor& Tensor::square_() const {
  return in_place("square_", {*this}, [&](const Tensor& x) { return kiln::square(x); });
}
const Tensor& Tensor::sqrt_() const {
  return in_place("sqrt_", {*this}, [&](const Tensor& x) { return kiln::sqrt(x); });
}
const Tensor& Tensor::rsqrt_() const {
  return in_place("rsqrt_", {*this}, [&](const Tensor& x) { return kiln::rsqrt(x); });
}
const Tensor& Tensor::reciprocal_() const {
  return in_place("reciprocal_", {*this}, [&](const Tensor& x) { return kiln::reciprocal(x); });
}
const Tensor& Tensor::exp_() const {
  return in_place("exp_", {*this}, [&](const Tensor& x) { return kiln::exp(x); });
}
const Tensor& Tensor::expm1_() const {
  return in_place("expm1_", {*this}, [&](const Tensor& x) { return kiln::expm1(x); });
}
const Tensor& Tensor::log_() const {
  return in_place("log_", {*this}, [&](const Tensor& x) { return kiln::log(x); });
}
const Tensor& Tensor::log1p_() const {
  return in_place("log1p_", {*this}, [&](const Tensor& x) { return kiln::log1p(x); });
}
const Tensor& Tensor::log2_() const {
  return in_place("log2_", {*this}, [&](const Tensor& x) { return kiln::log2(x); });
}
const Tensor& Tensor::log10_() const {
  return in_place("log10_", {*this}, [&](const Tensor& x) { return kiln::log10(x); });
}
const Tensor& Tensor::sin_() const {
  return in_place("sin_", {*this}, [&](const Tensor& x) { return kiln::sin(x); });
}
const Tensor& Tensor::cos_() const {
  return in_place("cos_", {*this}, [&](const Tensor& x) { return kiln::cos(x); });
}
const Tensor& Tensor::tan_() const {
  return in_place("tan_", {*this}, [&](const Tensor& x) { return kiln::tan(x); });
}
const Tensor& Tensor::asin_() const {
  return in_place("asin_", {*this}, [&](const Tensor& x) { return kiln::asin(x); });
}
const Tensor& Tensor::acos_() const {
  return in_place("acos_", {*this}, [&](const Tensor& x) { return kiln::acos(x); });
}
const Tensor& Tensor::atan_() const {
  return in_place("atan_", {*this}, [&](const Tensor& x) { return kiln::atan(x); });
}
const Tensor& Tensor::sinh_() const {
  return in_place("sinh_", {*this}, [&](const Tensor& x) { return kiln::sinh(x); });
}
const Tensor& Tensor::cosh_() const {
  return in_place("cosh_", {*this}, [&](const Tensor& x) { return kiln::cosh(x); });
}
const Tensor& Tensor::tanh_() const {
  return in_place("tanh_", {*this}, [&](const Tensor& x) { return kiln::tanh(x); });
}
const Tensor& Tensor::erf_() const {
  return in_place("erf_", {*this}, [&](const Tensor& x) { return kiln::erf(x); });
}
const Tensor& Tensor::floor_() const {
  return in_place("floor_", {*this}, [&](const Tensor& x) { return kiln::floor(x); });
}
const Tensor& Tensor::ceil_() const {
  return in_place("ceil_", {*this}, [&](const Tensor& x) { return kiln::ceil(x); });
}
const Tensor& Tensor::round_() const {
  return in_place("round_", {*this}, [&](const Tensor& x) { return kiln::round(x); });
}
const Tensor& Tensor::trunc_() const {
  return in_place("trunc_", {*this}, [&](const Tensor& x) { return kiln::trunc(x); });
}
const Tensor& Tensor::sigmoid_() const {
  return in_place("sigmoid_", {*this}, [&](const Tensor& x) { return kiln::sigmoid(x); });
}
const Tensor& Tensor::clamp_min_(const Scalar& low) const {
  return in_place("clamp_min_", {*this}, [&](const Tensor& x) { return kiln::clamp_min(x, low); });
}
const Tensor& Tensor::clamp_max_(const Scalar& high) const {
  return in_place("clamp_max_", {*this}, [&](const Tensor& x) { return kiln::clamp_max(x, high); });
}
const Tensor& Tensor::cumsum_(int dim) const {
  return in_place("cumsum_", {*this}, [&](const Tensor& x) { return kiln::cumsum(x, dim); });
}
const Tensor& Tensor::scatter_add_(int dim, const Tensor& index, const Tensor& source) const {
  return in_place("scatter_add_", {*this, index, source},
                  [&](const Tensor& x) { return kiln::scatter_add(x, dim, index, source); });
}
const Tensor& Tensor::index_add_(int dim, const Tensor& index, const Tensor& source) const {
  return in_place("index_add_", {*this, index, source},
                  [&](const Tensor& x) { return kiln::index_add(x, dim, index, source); });
}
const Tensor& Tensor::index_copy_(int dim, const Tensor& index, const Tensor& source) const {
  return in_place("index_copy_", {*this, index, source},
                  [&](const Tensor& x) { return kiln::index_copy(x, dim, index, source); });
}

}  // namespace kiln
