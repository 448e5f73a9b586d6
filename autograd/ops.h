#pragma once

#include <optional>

#include <kiln/tensor/dtype/literal.h>
#include <kiln/tensor/indexing.h>
#include <kiln/tensor/random.h>
#include <kiln/tensor/tensor.h>

// Every op. Names, arguments, defaults, broadcasting and type promotion are PyTorch's. All are
// differentiable, twice, unless their result is integral or said otherwise; weights of classes and pos_weight
// are constants of a loss. Dimensions may be negative.
// Errors name the op, the shapes and the way out. An op that is also a method of PyTorch's Tensor is one
// here: scripts/methods makes those from this file.

namespace kiln {

// ---- factories (autograd/ops/elementwise/factories.cpp) ----

// The dtype, device (not the shape) of x.
TensorOptions like(const Tensor& x);
Tensor empty_like(const Tensor& x);  // dense, in x's order of dimensions
Tensor zeros(const Shape& shape, const TensorOptions& options = {});
Tensor ones(const Shape& shape, const TensorOptions& options = {});
Tensor full(const Shape& shape, const Scalar& value, const TensorOptions& options);
Tensor full(const Shape& shape, const Scalar& value);  // of the value's type
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor full_like(const Tensor& x, const Scalar& value);
Tensor arange(const Scalar& end);
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step = 1);
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, const TensorOptions& options);
Tensor linspace(double start, double end, int64_t steps, const TensorOptions& options = {});
Tensor eye(int64_t rows, int64_t columns = -1, const TensorOptions& options = {});
// Random numbers come from `generator`, or the process-wide default_generator().
Tensor rand(const Shape& shape, const TensorOptions& options = {}, Generator* generator = nullptr);
Tensor randn(const Shape& shape, const TensorOptions& options = {}, Generator* generator = nullptr);
Tensor rand_like(const Tensor& x);
Tensor randn_like(const Tensor& x);
Tensor randint(int64_t low, int64_t high, const Shape& shape, TensorOptions options = {.dtype = int64},
               Generator* generator = nullptr);
Tensor randperm(int64_t n, Generator* generator = nullptr);
// 1 with probability p, else 0, in x's dtype; x's values are the probabilities.
Tensor bernoulli(const Tensor& p, Generator* generator = nullptr);

// ---- views (autograd/ops/index/views.cpp) ----

Tensor reshape(const Tensor& x, const Shape& shape);
Tensor permute(const Tensor& x, const Dims& order);
Tensor transpose(const Tensor& x, int a, int b);
Tensor narrow(const Tensor& x, int dim, int64_t start, int64_t length);
Tensor select(const Tensor& x, int dim, int64_t index);
Tensor slice(const Tensor& x, int dim, int64_t start, int64_t end = INT64_MAX, int64_t step = 1);
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, int dim);
Tensor unsqueeze(const Tensor& x, int dim);
Tensor expand(const Tensor& x, const Shape& shape);
Tensor flatten(const Tensor& x, int start_dim = 0, int end_dim = -1);
Tensors split(const Tensor& x, int64_t size, int dim = 0);
Tensors chunk(const Tensor& x, int64_t chunks, int dim = 0);
Tensors unbind(const Tensor& x, int dim = 0);
// A view with these strides and offset in x's storage.
Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset);
// Copies, side by side: x repeated this often along each dimension, which may be more than x has. tile counts
// missing numbers as 1.
Tensor repeat(const Tensor& x, const Dims& times);
Tensor tile(const Tensor& x, const Dims& times);
Tensor flip(const Tensor& x, const Dims& dims);
// Moves elements along dims, and those that fall off to the other end. No dims: x as if it had one.
Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims = {});
// The gradients of as_strided: x written into memory laid out as `dense`, and of it the part; or x with that
// part replaced by value. `part` is relative to `dense`, whose offset is 0.
Tensor strided_part(const Tensor& x, const Layout& dense, const Layout& part);
Tensor strided_assign(const Tensor& x, const Tensor& value, const Layout& dense, const Layout& part);

// ---- copies (autograd/ops/elementwise/copies.cpp) ----

Tensor clone(const Tensor& x);  // dense, in x's order of dimensions
Tensor contiguous(const Tensor& x, MemoryFormat format = MemoryFormat::contiguous);
Tensor to(const Tensor& x, DType dtype);
Tensor to(const Tensor& x, Device device);
Tensor to(const Tensor& x, Device device, DType dtype);
Tensor cat(const Tensors& xs, int dim = 0);
Tensor stack(const Tensors& xs, int dim = 0);
// Sums x over what broadcasting `shape` had repeated, and casts: the gradient of a broadcast operand.
Tensor sum_to(const Tensor& x, const Shape& shape, DType dtype);

// ---- elementwise, two operands (autograd/ops/elementwise/binary.cpp) ----

Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha = 1);
Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha = 1);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
Tensor pow(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor add(const Tensor& a, const Scalar& b);
Tensor sub(const Tensor& a, const Scalar& b);
Tensor mul(const Tensor& a, const Scalar& b);
Tensor div(const Tensor& a, const Scalar& b);
Tensor pow(const Tensor& a, const Scalar& b);
Tensor pow(const Scalar& a, const Tensor& b);
Tensor rsub(const Tensor& a, const Scalar& b);          // b - a
Tensor floor_divide(const Tensor& a, const Tensor& b);  // no gradient
Tensor remainder(const Tensor& a, const Tensor& b);     // sign of b; gradient for a and b
Tensor floor_divide(const Tensor& a, const Scalar& b);
Tensor remainder(const Tensor& a, const Scalar& b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& a, const Scalar& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Scalar& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Scalar& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Scalar& b) { return div(a, b); }
inline Tensor operator+(const Scalar& a, const Tensor& b) { return add(b, a); }
inline Tensor operator-(const Scalar& a, const Tensor& b) { return rsub(b, a); }
inline Tensor operator*(const Scalar& a, const Tensor& b) { return mul(b, a); }
Tensor operator/(const Scalar& a, const Tensor& b);
inline const Tensor& operator+=(const Tensor& a, const Tensor& b) { return a.add_(b); }
inline const Tensor& operator-=(const Tensor& a, const Tensor& b) { return a.sub_(b); }
inline const Tensor& operator*=(const Tensor& a, const Tensor& b) { return a.mul_(b); }
inline const Tensor& operator/=(const Tensor& a, const Tensor& b) { return a.div_(b); }
inline const Tensor& operator+=(const Tensor& a, const Scalar& b) { return a.add_(b); }
inline const Tensor& operator-=(const Tensor& a, const Scalar& b) { return a.sub_(b); }
inline const Tensor& operator*=(const Tensor& a, const Scalar& b) { return a.mul_(b); }
inline const Tensor& operator/=(const Tensor& a, const Scalar& b) { return a.div_(b); }

// Comparisons give bool tensors.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
Tensor eq(const Tensor& a, const Scalar& b);
Tensor ne(const Tensor& a, const Scalar& b);
Tensor lt(const Tensor& a, const Scalar& b);
Tensor le(const Tensor& a, const Scalar& b);
Tensor gt(const Tensor& a, const Scalar& b);
Tensor ge(const Tensor& a, const Scalar& b);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& a);
// Bit by bit; integers and bools.
Tensor bitwise_and(const Tensor& a, const Tensor& b);
Tensor bitwise_or(const Tensor& a, const Tensor& b);
Tensor bitwise_xor(const Tensor& a, const Tensor& b);
Tensor bitwise_and(const Tensor& a, const Scalar& b);
Tensor bitwise_or(const Tensor& a, const Scalar& b);
Tensor bitwise_xor(const Tensor& a, const Scalar& b);
Tensor bitwise_not(const Tensor& x);
inline Tensor operator&(const Tensor& a, const Tensor& b) { return bitwise_and(a, b); }
inline Tensor operator|(const Tensor& a, const Tensor& b) { return bitwise_or(a, b); }
inline Tensor operator^(const Tensor& a, const Tensor& b) { return bitwise_xor(a, b); }
inline Tensor operator&(const Tensor& a, const Scalar& b) { return bitwise_and(a, b); }
inline Tensor operator|(const Tensor& a, const Scalar& b) { return bitwise_or(a, b); }
inline Tensor operator^(const Tensor& a, const Scalar& b) { return bitwise_xor(a, b); }
inline Tensor operator~(const Tensor& x) { return bitwise_not(x); }
inline const Tensor& operator&=(const Tensor& a, const Tensor& b) { return a.bitwise_and_(b); }
inline const Tensor& operator|=(const Tensor& a, const Tensor& b) { return a.bitwise_or_(b); }
inline const Tensor& operator^=(const Tensor& a, const Tensor& b) { return a.bitwise_xor_(b); }
inline const Tensor& operator&=(const Tensor& a, const Scalar& b) { return a.bitwise_and_(b); }
inline const Tensor& operator|=(const Tensor& a, const Scalar& b) { return a.bitwise_or_(b); }
inline const Tensor& operator^=(const Tensor& a, const Scalar& b) { return a.bitwise_xor_(b); }
inline Tensor operator==(const Tensor& a, const Tensor& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }
inline Tensor operator==(const Tensor& a, const Scalar& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Scalar& b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, const Scalar& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Scalar& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Scalar& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Scalar& b) { return ge(a, b); }
// Same shape, dtype and values (NaN differs from itself).
bool equal(const Tensor& a, const Tensor& b);
// |a - b| <= atol + rtol * |b| everywhere, after broadcasting.
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8,
              bool equal_nan = false);

// ---- elementwise, one operand (autograd/ops/elementwise/unary.cpp) ----

Tensor neg(const Tensor& x);
inline Tensor operator-(const Tensor& x) { return neg(x); }
Tensor abs(const Tensor& x);
Tensor sign(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);  // half to even
Tensor trunc(const Tensor& x);
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor relu6(const Tensor& x);
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
enum class GeluApproximation : uint8_t { none, tanh };
Tensor gelu(const Tensor& x, GeluApproximation approximate = GeluApproximation::none);
Tensor silu(const Tensor& x);
Tensor hardswish(const Tensor& x);
Tensor hardsigmoid(const Tensor& x);
// Over x itself, as the layers with inplace do; each returns x.
const Tensor& relu6_(const Tensor& x);
const Tensor& silu_(const Tensor& x);
const Tensor& hardswish_(const Tensor& x);
const Tensor& hardsigmoid_(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);
Tensor clamp(const Tensor& x, std::optional<Scalar> low = {}, std::optional<Scalar> high = {});
Tensor clamp_min(const Tensor& x, const Scalar& low);
Tensor clamp_max(const Tensor& x, const Scalar& high);

// ---- reductions (autograd/ops/reduce/reduce.cpp); no dims: over all of them ----

Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor std(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor max(const Tensor& x);  // the gradient is shared evenly between equal maxima, as in PyTorch
Tensor min(const Tensor& x);
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
struct ValuesAndIndices {
  Tensor values, indices;
};
ValuesAndIndices max(const Tensor& x, int dim, bool keepdim = false);  // the first of equal maxima
ValuesAndIndices min(const Tensor& x, int dim, bool keepdim = false);
Tensor argmax(const Tensor& x, std::optional<int> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int> dim = {}, bool keepdim = false);
Tensor norm(const Tensor& x, double p = 2, const Dims& dims = {}, bool keepdim = false);
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);
Tensor prod(const Tensor& x);
Tensor any(const Tensor& x);
Tensor all(const Tensor& x);
Tensor any(const Tensor& x, int dim, bool keepdim = false);
Tensor all(const Tensor& x, int dim, bool keepdim = false);
Tensor cumsum(const Tensor& x, int dim);

// ---- indexing (autograd/ops/index/index.cpp, autograd/indexing) ----

// x[indices] (<kiln/tensor/indexing.h>): a view for integers, slices, None and Ellipsis, else a copy.
Tensor index(const Tensor& x, const indexing::TensorIndices& indices);
// x with values, broadcast to index(x, indices), at their places. accumulate adds them, in order; else the
// last of several for one place stays.
Tensor index_put(const Tensor& x, const indexing::TensorIndices& indices, const Tensor& values,
                 bool accumulate = false);
// Where x is not 0: [count, dims], int64, in row-major order. Waits for the device.
Tensor nonzero(const Tensor& x);
// The elements where mask, broadcast with x, is true. Waits for the device.
Tensor masked_select(const Tensor& x, const Tensor& mask);

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, const Scalar& b);
Tensor where(const Tensor& condition, const Scalar& a, const Tensor& b);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Scalar& value);
Tensor gather(const Tensor& x, int dim, const Tensor& index);
Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
Tensor index_select(const Tensor& x, int dim, const Tensor& index);
Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
// x with slices along dim replaced by those of source; the last of several for one place stays.
Tensor index_copy(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
Tensor one_hot(const Tensor& x, int64_t classes);
ValuesAndIndices topk(const Tensor& x, int64_t k, int dim = -1, bool largest = true);
ValuesAndIndices sort(const Tensor& x, int dim = -1, bool descending = false);
Tensor argsort(const Tensor& x, int dim = -1, bool descending = false);

// ---- products (autograd/ops/matmul/matmul.cpp, linear.cpp) ----

// All of PyTorch's cases: vectors, matrices, batches with broadcasting.
Tensor matmul(const Tensor& a, const Tensor& b);
// Those cases of it that their names say: matrices, matrix and vector, vectors, batches of matrices.
Tensor mm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& b);
Tensor dot(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);
// x [..., in] times weight [out, in] transposed, plus bias [out] (may be undefined).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// ---- softmax (autograd/ops/softmax/softmax.cpp) ----

Tensor softmax(const Tensor& x, int dim);
Tensor log_softmax(const Tensor& x, int dim);

}  // namespace kiln

#include <kiln/autograd/ops_nn.h>
