#include <kiln/autograd/methods/in_place.h>

#include <kiln/autograd/ops.h>

// The file is made by scripts/methods.

namespace kiln {

Tensor Tensor::bernoulli(Generator* generator) const { return kiln::bernoulli(*this, generator); }
Tensor Tensor::reshape(const Shape& shape) const { return kiln::reshape(*this, shape); }
Tensor Tensor::permute(const Dims& order) const { return kiln::permute(*this, order); }
Tensor Tensor::transpose(int a, int b) const { return kiln::transpose(*this, a, b); }
Tensor Tensor::narrow(int dim, int64_t start, int64_t length) const {
  return kiln::narrow(*this, dim, start, length);
}
Tensor Tensor::select(int dim, int64_t index) const { return kiln::select(*this, dim, index); }
Tensor Tensor::slice(int dim, int64_t start, int64_t end, int64_t step) const {
  return kiln::slice(*this, dim, start, end, step);
}
Tensor Tensor::squeeze() const { return kiln::squeeze(*this); }
Tensor Tensor::squeeze(int dim) const { return kiln::squeeze(*this, dim); }
Tensor Tensor::unsqueeze(int dim) const { return kiln::unsqueeze(*this, dim); }
Tensor Tensor::expand(const Shape& shape) const { return kiln::expand(*this, shape); }
Tensor Tensor::flatten(int start_dim, int end_dim) const { return kiln::flatten(*this, start_dim, end_dim); }
Tensors Tensor::split(int64_t size, int dim) const { return kiln::split(*this, size, dim); }
Tensors Tensor::chunk(int64_t chunks, int dim) const { return kiln::chunk(*this, chunks, dim); }
Tensors Tensor::unbind(int dim) const { return kiln::unbind(*this, dim); }
Tensor Tensor::as_strided(const Shape& shape, const Strides& strides, int64_t offset) const {
  return kiln::as_strided(*this, shape, strides, offset);
}
Tensor Tensor::repeat(const Dims& times) const { return kiln::repeat(*this, times); }
Tensor Tensor::tile(const Dims& times) const { return kiln::tile(*this, times); }
Tensor Tensor::flip(const Dims& dims) const { return kiln::flip(*this, dims); }
Tensor Tensor::roll(const Dims& shifts, const Dims& dims) const { return kiln::roll(*this, shifts, dims); }
Tensor Tensor::clone() const { return kiln::clone(*this); }
Tensor Tensor::to(DType dtype) const { return kiln::to(*this, dtype); }
Tensor Tensor::to(Device device) const { return kiln::to(*this, device); }
Tensor Tensor::to(Device device, DType dtype) const { return kiln::to(*this, device, dtype); }
Tensor Tensor::add(const Tensor& b, const Scalar& alpha) const { return kiln::add(*this, b, alpha); }
Tensor Tensor::sub(const Tensor& b, const Scalar& alpha) const { return kiln::sub(*this, b, alpha); }
Tensor Tensor::mul(const Tensor& b) const { return kiln::mul(*this, b); }
Tensor Tensor::div(const Tensor& b) const { return kiln::div(*this, b); }
Tensor Tensor::pow(const Tensor& b) const { return kiln::pow(*this, b); }
Tensor Tensor::maximum(const Tensor& b) const { return kiln::maximum(*this, b); }
Tensor Tensor::minimum(const Tensor& b) const { return kiln::minimum(*this, b); }
Tensor Tensor::add(const Scalar& b) const { return kiln::add(*this, b); }
Tensor Tensor::sub(const Scalar& b) const { return kiln::sub(*this, b); }
Tensor Tensor::mul(const Scalar& b) const { return kiln::mul(*this, b); }
Tensor Tensor::div(const Scalar& b) const { return kiln::div(*this, b); }
Tensor Tensor::pow(const Scalar& b) const { return kiln::pow(*this, b); }
Tensor Tensor::floor_divide(const Tensor& b) const { return kiln::floor_divide(*this, b); }
Tensor Tensor::remainder(const Tensor& b) const { return kiln::remainder(*this, b); }
Tensor Tensor::floor_divide(const Scalar& b) const { return kiln::floor_divide(*this, b); }
Tensor Tensor::remainder(const Scalar& b) const { return kiln::remainder(*this, b); }
Tensor Tensor::eq(const Tensor& b) const { return kiln::eq(*this, b); }
Tensor Tensor::ne(const Tensor& b) const { return kiln::ne(*this, b); }
Tensor Tensor::lt(const Tensor& b) const { return kiln::lt(*this, b); }
Tensor Tensor::le(const Tensor& b) const { return kiln::le(*this, b); }
Tensor Tensor::gt(const Tensor& b) const { return kiln::gt(*this, b); }
Tensor Tensor::ge(const Tensor& b) const { return kiln::ge(*this, b); }
Tensor Tensor::eq(const Scalar& b) const { return kiln::eq(*this, b); }
Tensor Tensor::ne(const Scalar& b) const { return kiln::ne(*this, b); }
Tensor Tensor::lt(const Scalar& b) const { return kiln::lt(*this, b); }
Tensor Tensor::le(const Scalar& b) const { return kiln::le(*this, b); }
Tensor Tensor::gt(const Scalar& b) const { return kiln::gt(*this, b); }
Tensor Tensor::ge(const Scalar& b) const { return kiln::ge(*this, b); }
Tensor Tensor::logical_and(const Tensor& b) const { return kiln::logical_and(*this, b); }
Tensor Tensor::logical_or(const Tensor& b) const { return kiln::logical_or(*this, b); }
Tensor Tensor::logical_xor(const Tensor& b) const { return kiln::logical_xor(*this, b); }
Tensor Tensor::logical_not() const { return kiln::logical_not(*this); }
Tensor Tensor::bitwise_and(const Tensor& b) const { return kiln::bitwise_and(*this, b); }
Tensor Tensor::bitwise_or(const Tensor& b) const { return kiln::bitwise_or(*this, b); }
Tensor Tensor::bitwise_xor(const Tensor& b) const { return kiln::bitwise_xor(*this, b); }
Tensor Tensor::bitwise_and(const Scalar& b) const { return kiln::bitwise_and(*this, b); }
Tensor Tensor::bitwise_or(const Scalar& b) const { return kiln::bitwise_or(*this, b); }
Tensor Tensor::bitwise_xor(const Scalar& b) const { return kiln::bitwise_xor(*this, b); }
Tensor Tensor::bitwise_not() const { return kiln::bitwise_not(*this); }
bool Tensor::equal(const Tensor& b) const { return kiln::equal(*this, b); }
bool Tensor::allclose(const Tensor& b, double rtol, double atol, bool equal_nan) const {
  return kiln::allclose(*this, b, rtol, atol, equal_nan);
}
Tensor Tensor::neg() const { return kiln::neg(*this); }
Tensor Tensor::abs() const { return kiln::abs(*this); }
Tensor Tensor::sign() const { return kiln::sign(*this); }
Tensor Tensor::square() const { return kiln::square(*this); }
Tensor Tensor::sqrt() const { return kiln::sqrt(*this); }
Tensor Tensor::rsqrt() const { return kiln::rsqrt(*this); }
Tensor Tensor::reciprocal() const { return kiln::reciprocal(*this); }
Tensor Tensor::exp() const { return kiln::exp(*this); }
Tensor Tensor::expm1() const { return kiln::expm1(*this); }
Tensor Tensor::log() const { return kiln::log(*this); }
Tensor Tensor::log1p() const { return kiln::log1p(*this); }
Tensor Tensor::log2() const { return kiln::log2(*this); }
Tensor Tensor::log10() const { return kiln::log10(*this); }
Tensor Tensor::sin() const { return kiln::sin(*this); }
Tensor Tensor::cos() const { return kiln::cos(*this); }
Tensor Tensor::tan() const { return kiln::tan(*this); }
Tensor Tensor::asin() const { return kiln::asin(*this); }
Tensor Tensor::acos() const { return kiln::acos(*this); }
Tensor Tensor::atan() const { return kiln::atan(*this); }
Tensor Tensor::sinh() const { return kiln::sinh(*this); }
Tensor Tensor::cosh() const { return kiln::cosh(*this); }
Tensor Tensor::tanh() const { return kiln::tanh(*this); }
Tensor Tensor::erf() const { return kiln::erf(*this); }
Tensor Tensor::floor() const { return kiln::floor(*this); }
Tensor Tensor::ceil() const { return kiln::ceil(*this); }
Tensor Tensor::round() const { return kiln::round(*this); }
Tensor Tensor::trunc() const { return kiln::trunc(*this); }
Tensor Tensor::isnan() const { return kiln::isnan(*this); }
Tensor Tensor::isinf() const { return kiln::isinf(*this); }
Tensor Tensor::isfinite() const { return kiln::isfinite(*this); }
Tensor Tensor::relu() const { return kiln::relu(*this); }
Tensor Tensor::sigmoid() const { return kiln::sigmoid(*this); }
Tensor Tensor::clamp(std::optional<Scalar> low, std::optional<Scalar> high) const {
  return kiln::clamp(*this, low, high);
}
Tensor Tensor::clamp_min(const Scalar& low) const { return kiln::clamp_min(*this, low); }
Tensor Tensor::clamp_max(const Scalar& high) const { return kiln::clamp_max(*this, high); }
Tensor Tensor::sum(const Dims& dims, bool keepdim) const { return kiln::sum(*this, dims, keepdim); }
Tensor Tensor::mean(const Dims& dims, bool keepdim) const { return kiln::mean(*this, dims, keepdim); }
Tensor Tensor::var(const Dims& dims, double correction, bool keepdim) const {
  return kiln::var(*this, dims, correction, keepdim);
}
Tensor Tensor::std(const Dims& dims, double correction, bool keepdim) const {
  return kiln::std(*this, dims, correction, keepdim);
}
Tensor Tensor::max() const { return kiln::max(*this); }
Tensor Tensor::min() const { return kiln::min(*this); }
Tensor Tensor::amax(const Dims& dims, bool keepdim) const { return kiln::amax(*this, dims, keepdim); }
Tensor Tensor::amin(const Dims& dims, bool keepdim) const { return kiln::amin(*this, dims, keepdim); }
ValuesAndIndices Tensor::max(int dim, bool keepdim) const { return kiln::max(*this, dim, keepdim); }
ValuesAndIndices Tensor::min(int dim, bool keepdim) const { return kiln::min(*this, dim, keepdim); }
Tensor Tensor::argmax(std::optional<int> dim, bool keepdim) const {
  return kiln::argmax(*this, dim, keepdim);
}
Tensor Tensor::argmin(std::optional<int> dim, bool keepdim) const {
  return kiln::argmin(*this, dim, keepdim);
}
Tensor Tensor::norm(double p, const Dims& dims, bool keepdim) const {
  return kiln::norm(*this, p, dims, keepdim);
}
Tensor Tensor::logsumexp(const Dims& dims, bool keepdim) const {
  return kiln::logsumexp(*this, dims, keepdim);
}
Tensor Tensor::prod() const { return kiln::prod(*this); }
Tensor Tensor::any() const { return kiln::any(*this); }
Tensor Tensor::all() const { return kiln::all(*this); }
Tensor Tensor::any(int dim, bool keepdim) const { return kiln::any(*this, dim, keepdim); }
Tensor Tensor::all(int dim, bool keepdim) const { return kiln::all(*this, dim, keepdim); }
Tensor Tensor::cumsum(int dim) const { return kiln::cumsum(*this, dim); }
Tensor Tensor::index(const indexing::TensorIndices& indices) const { return kiln::index(*this, indices); }
Tensor Tensor::index_put(const indexing::TensorIndices& indices, const Tensor& values,
                         bool accumulate) const {
  return kiln::index_put(*this, indices, values, accumulate);
}
Tensor Tensor::nonzero() const { return kiln::nonzero(*this); }
Tensor Tensor::masked_select(const Tensor& mask) const { return kiln::masked_select(*this, mask); }
Tensor Tensor::masked_fill(const Tensor& mask, const Scalar& value) const {
  return kiln::masked_fill(*this, mask, value);
}
Tensor Tensor::gather(int dim, const Tensor& index) const { return kiln::gather(*this, dim, index); }
Tensor Tensor::scatter_add(int dim, const Tensor& index, const Tensor& source) const {
  return kiln::scatter_add(*this, dim, index, source);
}
Tensor Tensor::index_select(int dim, const Tensor& index) const {
  return kiln::index_select(*this, dim, index);
}
Tensor Tensor::index_add(int dim, const Tensor& index, const Tensor& source) const {
  return kiln::index_add(*this, dim, index, source);
}
Tensor Tensor::index_copy(int dim, const Tensor& index, const Tensor& source) const {
  return kiln::index_copy(*this, dim, index, source);
}
ValuesAndIndices Tensor::topk(int64_t k, int dim, bool largest) const {
  return kiln::topk(*this, k, dim, largest);
}
ValuesAndIndices Tensor::sort(int dim, bool descending) const { return kiln::sort(*this, dim, descending); }
Tensor Tensor::argsort(int dim, bool descending) const { return kiln::argsort(*this, dim, descending); }
Tensor Tensor::matmul(const Tensor& b) const { return kiln::matmul(*this, b); }
Tensor Tensor::mm(const Tensor& b) const { return kiln::mm(*this, b); }
Tensor Tensor::mv(const Tensor& b) const { return kiln::mv(*this, b); }
Tensor Tensor::dot(const Tensor& b) const { return kiln::dot(*this, b); }
Tensor Tensor::bmm(const Tensor& b) const { return kiln::bmm(*this, b); }
Tensor Tensor::softmax(int dim) const { return kiln::softmax(*this, dim); }
Tensor Tensor::log_softmax(int dim) const { return kiln::log_softmax(*this, dim); }

}  // namespace kiln
