#pragma once

#include <span>
#include <vector>

#include <kiln/tensor/scalar.h>
#include <kiln/tensor/tensor_impl.h>

namespace kiln {

class Tensor;
using Tensors = std::vector<Tensor>;

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
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(static_cast<Ref<TensorImpl>&&>(impl)) {}

  // Facts. Every one of them but defined() needs a defined tensor.
  bool defined() const { return bool(impl_); }
  const Shape& shape() const { return impl_->layout.shape; }
  int64_t size(int dim) const;
  int dim() const { return impl_->layout.rank(); }
  int64_t numel() const { return impl_->layout.numel(); }
  DType dtype() const { return impl_->dtype; }
  Device device() const { return impl_->storage->device; }
  const Layout& layout() const { return impl_->layout; }
  const Strides& strides() const { return impl_->layout.strides; }
  bool is_contiguous(MemoryFormat format = MemoryFormat::contiguous) const;
  bool is_floating_point() const { return is_floating(dtype()); }
  // channels_last when that is the only order in which a 4-D tensor is dense.
  MemoryFormat suggested_memory_format() const;

  // The first element. Throws when T is not the tensor's type or the memory is not the host's. Writing
  // through it is not seen by autograd.
  template <class T>
  T* data() const {
    return static_cast<T*>(checked_data(dtype_of<T>));
  }
  void* raw_data() const {
    return static_cast<char*>(impl_->storage->data) + impl_->layout.offset * size_of(impl_->dtype);
  }
  // The value of a tensor with one element, converted. Waits for the device.
  template <class T>
  T item() const {
    if constexpr (std::is_floating_point_v<T>)
      return T(item_real());
    else
      return T(item_integer());
  }
  // All elements in row-major order, converted. Waits for the device.
  template <class T>
  std::vector<T> to_vector() const;

  const Ref<TensorImpl>& impl() const { return impl_; }
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  bool shares_storage(const Tensor& other) const { return impl_->storage == other.impl_->storage; }

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

  // Views.
  Tensor view(const Shape& shape) const;
  Tensor reshape(const Shape& shape) const;
  Tensor permute(const Dims& order) const;
  Tensor transpose(int a, int b) const;
  Tensor t() const;
  Tensor narrow(int dim, int64_t start, int64_t length) const;
  Tensor select(int dim, int64_t index) const;
  Tensor slice(int dim, int64_t start, int64_t end = INT64_MAX, int64_t step = 1) const;
  Tensor operator[](int64_t index) const { return select(0, index); }
  Tensor squeeze() const;
  Tensor squeeze(int dim) const;
  Tensor unsqueeze(int dim) const;
  Tensor expand(const Shape& shape) const;
  Tensor flatten(int start_dim = 0, int end_dim = -1) const;
  Tensors split(int64_t size, int dim = 0) const;

  // Copies.
  Tensor clone() const;
  Tensor contiguous(MemoryFormat format = MemoryFormat::contiguous) const;
  Tensor to(DType dtype) const;
  Tensor to(Device device) const;

  // Maths.
  Tensor sum(const Dims& dims = {}, bool keepdim = false) const;
  Tensor mean(const Dims& dims = {}, bool keepdim = false) const;
  Tensor max() const;
  Tensor min() const;
  Tensor argmax(int dim, bool keepdim = false) const;
  Tensor argmin(int dim, bool keepdim = false) const;
  Tensor norm(double p = 2) const;
  Tensor matmul(const Tensor& other) const;
  Tensor softmax(int dim) const;
  Tensor log_softmax(int dim) const;
  Tensor abs() const;
  Tensor exp() const;
  Tensor log() const;
  Tensor sqrt() const;
  Tensor square() const;
  Tensor pow(const Scalar& exponent) const;
  Tensor relu() const;
  Tensor sigmoid() const;
  Tensor tanh() const;
  Tensor clamp(const Scalar& low, const Scalar& high) const;

  // In place. Recorded like any op; an error on a leaf that requires grad unless grad mode is off.
  const Tensor& add_(const Tensor& other, const Scalar& alpha = 1) const;
  const Tensor& sub_(const Tensor& other, const Scalar& alpha = 1) const;
  const Tensor& mul_(const Tensor& other) const;
  const Tensor& div_(const Tensor& other) const;
  const Tensor& add_(const Scalar& other) const;
  const Tensor& sub_(const Scalar& other) const;
  const Tensor& mul_(const Scalar& other) const;
  const Tensor& div_(const Scalar& other) const;
  const Tensor& copy_(const Tensor& source) const;
  const Tensor& fill_(const Scalar& value) const;
  const Tensor& zero_() const;
  const Tensor& relu_() const;
  const Tensor& clamp_(const Scalar& low, const Scalar& high) const;
  const Tensor& masked_fill_(const Tensor& mask, const Scalar& value) const;
  const Tensor& uniform_(double low = 0, double high = 1) const;
  const Tensor& normal_(double mean = 0, double std = 1) const;

 private:
  void* checked_data(DType wanted) const;
  double item_real() const;
  int64_t item_integer() const;

  Ref<TensorImpl> impl_;
};

// Factories that need no arithmetic; the others (zeros, full, arange, randn, ...) are in
// <kiln/autograd/ops.h>.

// Uninitialised memory.
Tensor empty(const Shape& shape, const TensorOptions& options = {});

// A tensor over existing storage. Throws when the layout reaches beyond it.
Tensor from_storage(Ref<Storage> storage, DType dtype, const Layout& layout);

// A copy of host values in row-major order, on factory_device().
template <class T>
Tensor from_values(std::span<const T> values, const Shape& shape);
template <class T>
Tensor from_values(const std::vector<T>& values, const Shape& shape) {
  return from_values(std::span<const T>(values), shape);
}

// Literals, on factory_device() and with PyTorch's default types: tensor({1.5, 2}) is float32, tensor({1, 2})
// int64, tensor({{1.f, 2.f}, {3.f, 4.f}}).
namespace detail {
Tensor from_nested(const double* values, DType dtype, const Shape& shape);
template <class T>
inline constexpr DType literal_dtype = std::is_floating_point_v<T> ? float32
                                       : std::is_same_v<T, bool>   ? bool8
                                                                   : int64;
[[noreturn]] void ragged_literal();
}  // namespace detail

template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(T value) {
  const double real(value);
  return detail::from_nested(&real, detail::literal_dtype<T>, {});
}
template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(std::initializer_list<T> values) {
  const std::vector<double> reals(values.begin(), values.end());
  return detail::from_nested(reals.data(), detail::literal_dtype<T>, {int64_t(reals.size())});
}
template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(std::initializer_list<std::initializer_list<T>> rows) {
  std::vector<double> reals;
  for (const auto& row : rows) {
    if (row.size() != rows.begin()->size()) detail::ragged_literal();
    reals.insert(reals.end(), row.begin(), row.end());
  }
  const int64_t height(rows.size());
  return detail::from_nested(reals.data(), detail::literal_dtype<T>,
                             {height, int64_t(reals.size()) / (height ? height : 1)});
}
template <class T>
requires std::is_arithmetic_v<T> Tensor
tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> planes) {
  std::vector<double> reals;
  const auto& first = *planes.begin();
  for (const auto& rows : planes)
    for (const auto& row : rows) {
      if (rows.size() != first.size() || row.size() != first.begin()->size()) detail::ragged_literal();
      reals.insert(reals.end(), row.begin(), row.end());
    }
  return detail::from_nested(reals.data(), detail::literal_dtype<T>,
                             {int64_t(planes.size()), int64_t(first.size()), int64_t(first.begin()->size())});
}

// As PyTorch prints it: values with aligned columns, long ones summarised, dtype when it is not the default.
std::string to_string(const Tensor& x);

}  // namespace kiln
