#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include <kiln/tensor/tensor_base.h>

namespace kiln {

class Generator;
class Tensor;
struct ValuesAndIndices;
using Tensors = std::vector<Tensor>;
namespace indexing {
class TensorIndex;
class Indexed;
using TensorIndices = std::vector<TensorIndex>;
}  // namespace indexing

// How a factory makes a tensor: zeros({2, 3}, {.dtype = int64, .device = "cuda"}).
struct TensorOptions {
  DType dtype = DType::float32;
  Device device = factory_device();
  MemoryFormat memory_format = MemoryFormat::contiguous;
  bool requires_grad = false;
};

// A multi-dimensional array. A Tensor is a handle: copies share memory and gradient history; clone() makes a
// new one. Methods below the line "defined in autograd/" are differentiable and mean what they mean in
// PyTorch; the free functions of <kiln/autograd/ops.h> are the complete list.
class Tensor : public TensorBase {
 public:
  Tensor() = default;
  using TensorBase::TensorBase;
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) noexcept = default;
  ~Tensor() = default;
  // To a variable: the handle stands for another tensor from then on.
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & noexcept = default;
  // To what x[0] or x.slice(...) gives: writes into x, like copy_ and fill_.
  const Tensor& operator=(const Tensor& source) && { return copy_(source); }
  const Tensor& operator=(const Scalar& value) && { return fill_(value); }

  // ---- defined in autograd/ ----

  // Gradients.
  bool requires_grad() const;
  const Tensor& requires_grad_(bool value = true) const;
  bool is_leaf() const;
  // The accumulated gradient, undefined when there is none.
  Tensor grad() const;
  void set_grad(const Tensor& grad) const;
  // Keeps the gradient of a tensor that is not a leaf.
  void retain_grad() const;
  // The same memory without history.
  Tensor detach() const;
  // Accumulates d(this)/d(leaf) into the .grad of every leaf. `gradient` may be left out for a tensor with
  // one element.
  void backward(const Tensor& gradient = {}, bool retain_graph = false, bool create_graph = false) const;

  // Indexing: <kiln/tensor/indexing.h>. What an index of integers, slices and None gives is a view.
  template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Tensor operator[](T position) const {
    return select(0, detail::as_int64(position));
  }
  indexing::Indexed operator[](const indexing::TensorIndex& index) const;
  indexing::Indexed operator[](std::initializer_list<indexing::TensorIndex> indices) const;
  Tensor index(std::initializer_list<indexing::TensorIndex> indices) const;
  const Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices, const Tensor& values,
                           bool accumulate = false) const;
  const Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices, const Scalar& value,
                           bool accumulate = false) const;
  const Tensor& index_put_(const indexing::TensorIndices& indices, const Tensor& values,
                           bool accumulate = false) const;

  // Views and copies.
  Tensor view(const Shape& shape) const;
  Tensor t() const;
  Tensor mT() const { return transpose(-2, -1); }
  Tensor view_as(const Tensor& other) const { return view(other.shape()); }
  Tensor reshape_as(const Tensor& other) const { return reshape(other.shape()); }
  Tensor expand_as(const Tensor& other) const { return expand(other.shape()); }
  Tensor type_as(const Tensor& other) const { return to(other.device(), other.dtype()); }
  Tensor contiguous(MemoryFormat format = MemoryFormat::contiguous) const;
  Tensor cpu() const { return to(kiln::cpu); }
  Tensor cuda(int index = 0) const { return to(Device(DeviceType::cuda, index)); }
  Tensor half() const { return to(float16); }
  Tensor bfloat16() const { return to(DType::bfloat16); }
  // std under a name that is not the standard library's (<kiln/autograd/std.h>).
  Tensor stddev(const Dims& dims = {}, double correction = 1, bool keepdim = false) const {
    return std(dims, correction, keepdim);
  }
  // This where condition is true, else other.
  Tensor where(const Tensor& condition, const Tensor& other) const;

  const Tensor& copy_(const Tensor& source) const;
  const Tensor& fill_(const Scalar& value) const;
  const Tensor& zero_() const;
  const Tensor& uniform_(double low = 0, double high = 1) const;
  const Tensor& normal_(double mean = 0, double std = 1) const;

  // The ops of <kiln/autograd/ops.h> with this tensor as their first operand.
  // ---- made by scripts/methods ----
  Tensor bernoulli(Generator* generator = nullptr) const;
  Tensor reshape(const Shape& shape) const;
  Tensor permute(const Dims& order) const;
  Tensor transpose(int a, int b) const;
  Tensor narrow(int dim, int64_t start, int64_t length) const;
  Tensor select(int dim, int64_t index) const;
  Tensor slice(int dim, int64_t start, int64_t end = INT64_MAX, int64_t step = 1) const;
  Tensor squeeze() const;
  Tensor squeeze(int dim) const;
  Tensor unsqueeze(int dim) const;
  Tensor expand(const Shape& shape) const;
  Tensor flatten(int start_dim = 0, int end_dim = -1) const;
  Tensors split(int64_t size, int dim = 0) const;
  Tensors chunk(int64_t chunks, int dim = 0) const;
  Tensors unbind(int dim = 0) const;
  Tensor as_strided(const Shape& shape, const Strides& strides, int64_t offset) const;
  Tensor repeat(const Dims& times) const;
  Tensor tile(const Dims& times) const;
  Tensor flip(const Dims& dims) const;
  Tensor roll(const Dims& shifts, const Dims& dims = {}) const;
  Tensor clone() const;
  Tensor to(DType dtype) const;
  Tensor to(Device device) const;
  Tensor to(Device device, DType dtype) const;
  Tensor add(const Tensor& b, const Scalar& alpha = 1) const;
  Tensor sub(const Tensor& b, const Scalar& alpha = 1) const;
  Tensor mul(const Tensor& b) const;
  Tensor div(const Tensor& b) const;
  Tensor pow(const Tensor& b) const;
  Tensor maximum(const Tensor& b) const;
  Tensor minimum(const Tensor& b) const;
  Tensor add(const Scalar& b) const;
  Tensor sub(const Scalar& b) const;
  Tensor mul(const Scalar& b) const;
  Tensor div(const Scalar& b) const;
  Tensor pow(const Scalar& b) const;
  Tensor floor_divide(const Tensor& b) const;
  Tensor remainder(const Tensor& b) const;
  Tensor floor_divide(const Scalar& b) const;
  Tensor remainder(const Scalar& b) const;
  Tensor eq(const Tensor& b) const;
  Tensor ne(const Tensor& b) const;
  Tensor lt(const Tensor& b) const;
  Tensor le(const Tensor& b) const;
  Tensor gt(const Tensor& b) const;
  Tensor ge(const Tensor& b) const;
  Tensor eq(const Scalar& b) const;
  Tensor ne(const Scalar& b) const;
  Tensor lt(const Scalar& b) const;
  Tensor le(const Scalar& b) const;
  Tensor gt(const Scalar& b) const;
  Tensor ge(const Scalar& b) const;
  Tensor logical_and(const Tensor& b) const;
  Tensor logical_or(const Tensor& b) const;
  Tensor logical_xor(const Tensor& b) const;
  Tensor logical_not() const;
  Tensor bitwise_and(const Tensor& b) const;
  Tensor bitwise_or(const Tensor& b) const;
  Tensor bitwise_xor(const Tensor& b) const;
  Tensor bitwise_and(const Scalar& b) const;
  Tensor bitwise_or(const Scalar& b) const;
  Tensor bitwise_xor(const Scalar& b) const;
  Tensor bitwise_not() const;
  bool equal(const Tensor& b) const;
  bool allclose(const Tensor& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false) const;
  Tensor neg() const;
  Tensor abs() const;
  Tensor sign() const;
  Tensor square() const;
  Tensor sqrt() const;
  Tensor rsqrt() const;
  Tensor reciprocal() const;
  Tensor exp() const;
  Tensor expm1() const;
  Tensor log() const;
  Tensor log1p() const;
  Tensor log2() const;
  Tensor log10() const;
  Tensor sin() const;
  Tensor cos() const;
  Tensor tan() const;
  Tensor asin() const;
  Tensor acos() const;
  Tensor atan() const;
  Tensor sinh() const;
  Tensor cosh() const;
  Tensor tanh() const;
  Tensor erf() const;
  Tensor floor() const;
  Tensor ceil() const;
  Tensor round() const;
  Tensor trunc() const;
  Tensor isnan() const;
  Tensor isinf() const;
  Tensor isfinite() const;
  Tensor relu() const;
  Tensor sigmoid() const;
  Tensor clamp(std::optional<Scalar> low = {}, std::optional<Scalar> high = {}) const;
  Tensor clamp_min(const Scalar& low) const;
  Tensor clamp_max(const Scalar& high) const;
  Tensor sum(const Dims& dims = {}, bool keepdim = false) const;
  Tensor mean(const Dims& dims = {}, bool keepdim = false) const;
  Tensor var(const Dims& dims = {}, double correction = 1, bool keepdim = false) const;
  Tensor std(const Dims& dims = {}, double correction = 1, bool keepdim = false) const;
  Tensor max() const;
  Tensor min() const;
  Tensor amax(const Dims& dims = {}, bool keepdim = false) const;
  Tensor amin(const Dims& dims = {}, bool keepdim = false) const;
  ValuesAndIndices max(int dim, bool keepdim = false) const;
  ValuesAndIndices min(int dim, bool keepdim = false) const;
  Tensor argmax(std::optional<int> dim = {}, bool keepdim = false) const;
  Tensor argmin(std::optional<int> dim = {}, bool keepdim = false) const;
  Tensor norm(double p = 2, const Dims& dims = {}, bool keepdim = false) const;
  Tensor logsumexp(const Dims& dims, bool keepdim = false) const;
  Tensor prod() const;
  Tensor any() const;
  Tensor all() const;
  Tensor any(int dim, bool keepdim = false) const;
  Tensor all(int dim, bool keepdim = false) const;
  Tensor cumsum(int dim) const;
  Tensor index(const indexing::TensorIndices& indices) const;
  Tensor index_put(const indexing::TensorIndices& indices, const Tensor& values,
                   bool accumulate = false) const;
  Tensor nonzero() const;
  Tensor masked_select(const Tensor& mask) const;
  Tensor masked_fill(const Tensor& mask, const Scalar& value) const;
  Tensor gather(int dim, const Tensor& index) const;
  Tensor scatter_add(int dim, const Tensor& index, const Tensor& source) const;
  Tensor index_select(int dim, const Tensor& index) const;
  Tensor index_add(int dim, const Tensor& index, const Tensor& source) const;
  Tensor index_copy(int dim, const Tensor& index, const Tensor& source) const;
  ValuesAndIndices topk(int64_t k, int dim = -1, bool largest = true) const;
  ValuesAndIndices sort(int dim = -1, bool descending = false) const;
  Tensor argsort(int dim = -1, bool descending = false) const;
  Tensor matmul(const Tensor& b) const;
  Tensor mm(const Tensor& b) const;
  Tensor mv(const Tensor& b) const;
  Tensor dot(const Tensor& b) const;
  Tensor bmm(const Tensor& b) const;
  Tensor softmax(int dim) const;
  Tensor log_softmax(int dim) const;
  // In place. Recorded like any op; an error on a leaf that requires grad unless grad mode is off.
  const Tensor& add_(const Tensor& b, const Scalar& alpha = 1) const;
  const Tensor& sub_(const Tensor& b, const Scalar& alpha = 1) const;
  const Tensor& mul_(const Tensor& b) const;
  const Tensor& div_(const Tensor& b) const;
  const Tensor& pow_(const Tensor& b) const;
  const Tensor& add_(const Scalar& b) const;
  const Tensor& sub_(const Scalar& b) const;
  const Tensor& mul_(const Scalar& b) const;
  const Tensor& div_(const Scalar& b) const;
  const Tensor& pow_(const Scalar& b) const;
  const Tensor& floor_divide_(const Tensor& b) const;
  const Tensor& remainder_(const Tensor& b) const;
  const Tensor& floor_divide_(const Scalar& b) const;
  const Tensor& remainder_(const Scalar& b) const;
  const Tensor& eq_(const Tensor& b) const;
  const Tensor& ne_(const Tensor& b) const;
  const Tensor& lt_(const Tensor& b) const;
  const Tensor& le_(const Tensor& b) const;
  const Tensor& gt_(const Tensor& b) const;
  const Tensor& ge_(const Tensor& b) const;
  const Tensor& eq_(const Scalar& b) const;
  const Tensor& ne_(const Scalar& b) const;
  const Tensor& lt_(const Scalar& b) const;
  const Tensor& le_(const Scalar& b) const;
  const Tensor& gt_(const Scalar& b) const;
  const Tensor& ge_(const Scalar& b) const;
  const Tensor& logical_and_(const Tensor& b) const;
  const Tensor& logical_or_(const Tensor& b) const;
  const Tensor& logical_xor_(const Tensor& b) const;
  const Tensor& logical_not_() const;
  const Tensor& bitwise_and_(const Tensor& b) const;
  const Tensor& bitwise_or_(const Tensor& b) const;
  const Tensor& bitwise_xor_(const Tensor& b) const;
  const Tensor& bitwise_and_(const Scalar& b) const;
  const Tensor& bitwise_or_(const Scalar& b) const;
  const Tensor& bitwise_xor_(const Scalar& b) const;
  const Tensor& bitwise_not_() const;
  const Tensor& neg_() const;
  const Tensor& abs_() const;
  const Tensor& sign_() const;
  const Tensor& square_() const;
  const Tensor& sqrt_() const;
  const Tensor& rsqrt_() const;
  const Tensor& reciprocal_() const;
  const Tensor& exp_() const;
  const Tensor& expm1_() const;
  const Tensor& log_() const;
  const Tensor& log1p_() const;
  const Tensor& log2_() const;
  const Tensor& log10_() const;
  const Tensor& sin_() const;
  const Tensor& cos_() const;
  const Tensor& tan_() const;
  const Tensor& asin_() const;
  const Tensor& acos_() const;
  const Tensor& atan_() const;
  const Tensor& sinh_() const;
  const Tensor& cosh_() const;
  const Tensor& tanh_() const;
  const Tensor& erf_() const;
  const Tensor& floor_() const;
  const Tensor& ceil_() const;
  const Tensor& round_() const;
  const Tensor& trunc_() const;
  const Tensor& relu_() const;
  const Tensor& sigmoid_() const;
  const Tensor& clamp_(std::optional<Scalar> low = {}, std::optional<Scalar> high = {}) const;
  const Tensor& clamp_min_(const Scalar& low) const;
  const Tensor& clamp_max_(const Scalar& high) const;
  const Tensor& cumsum_(int dim) const;
  const Tensor& masked_fill_(const Tensor& mask, const Scalar& value) const;
  const Tensor& scatter_add_(int dim, const Tensor& index, const Tensor& source) const;
  const Tensor& index_add_(int dim, const Tensor& index, const Tensor& source) const;
  const Tensor& index_copy_(int dim, const Tensor& index, const Tensor& source) const;
  // ---- end of what scripts/methods makes ----
};

// Factories that need no arithmetic; the others (zeros, full, arange, randn, ...) are in
// <kiln/autograd/ops.h>, and literals in <kiln/tensor/dtype/literal.h>.

// Uninitialised memory.
Tensor empty(const Shape& shape, const TensorOptions& options = {});

// A tensor over existing storage. Throws when the layout reaches beyond it.
Tensor from_storage(Ref<Storage> storage, DType dtype, const Layout& layout);

// A copy of host values in row-major order, on factory_device().
template <class T>
Tensor from_values(std::span<const T> values, const Shape& shape);
template <class T>
Tensor from_values(const std::vector<T>& values, const Shape& shape) {
  static_assert(!is_storage_only(dtype_of<T>), "no op computes with tensors of this type");
  return from_values(std::span<const T>(values), shape);
}

// As PyTorch prints it: values with aligned columns, long ones summarised, dtype when it is not the default.
std::string to_string(const Tensor& x);

}  // namespace kiln

#include <kiln/tensor/dtype/literal.h>
