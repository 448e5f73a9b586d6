#pragma once

#include <iosfwd>
#include <vector>

#include <kiln/tensor/dtype/scalar.h>
#include <kiln/tensor/tensor_impl.h>

namespace kiln {

namespace detail {
[[noreturn]] void fail_undefined(const char* what);
}

// The part of Tensor that needs no graph: facts about it, and its values on the host.
class TensorBase {
 public:
  TensorBase() = default;
  explicit TensorBase(Ref<TensorImpl> impl) : impl_(static_cast<Ref<TensorImpl>&&>(impl)) {}

  // Facts. Each of them but defined() throws for an undefined tensor.
  bool defined() const { return bool(impl_); }
  const Shape& shape() const { return known("shape").layout.shape; }
  const Shape& sizes() const { return known("sizes").layout.shape; }
  int64_t size(int dim) const;
  int64_t stride(int dim) const;
  int dim() const { return known("dim").layout.rank(); }
  int64_t numel() const { return known("numel").layout.numel(); }
  DType dtype() const { return known("dtype").dtype; }
  Device device() const { return known("device").storage->device; }
  const Layout& layout() const { return known("layout").layout; }
  const Strides& strides() const { return known("strides").layout.strides; }
  int64_t storage_offset() const { return known("storage_offset").layout.offset; }
  int64_t element_size() const { return size_of(dtype()); }
  int64_t nbytes() const { return numel() * element_size(); }
  bool is_cpu() const { return device().is_cpu(); }
  bool is_cuda() const { return device().is_cuda(); }
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
    const TensorImpl& impl = known("raw_data");
    return static_cast<char*>(impl.storage->data) + impl.layout.offset * size_of(impl.dtype);
  }
  // The value of a tensor with one element: item<int64_t>() converted (to bool: whether it differs from 0;
  // throws when an integer does not hold it),
  // item() as a number that remembers whether it was floating. Waits for the device.
  Scalar item() const;
  template <class T>
  T item() const {
    if constexpr (std::is_integral_v<T>) {
      const Scalar value = item();
      if (!value.template fits<T>()) fail_item(value, sizeof(T), std::is_signed_v<T>);
      return value.template to<T>();
    } else if constexpr (std::is_arithmetic_v<T>)
      return item().template to<T>();
    else
      return T(item().real());
  }
  // All elements in row-major order, converted. Waits for the device.
  template <class T>
  std::vector<T> to_vector() const;

  const Ref<TensorImpl>& impl() const { return impl_; }
  bool is_same(const TensorBase& other) const { return impl_ == other.impl_; }
  bool shares_storage(const TensorBase& other) const {
    return known("shares_storage").storage == other.known("shares_storage").storage;
  }

  // As PyTorch prints it.
  friend std::ostream& operator<<(std::ostream& out, const TensorBase& x) { return print(out, x); }

 protected:
  Ref<TensorImpl> impl_;

 private:
  const TensorImpl& known(const char* what) const {
    if (!impl_) [[unlikely]]
      detail::fail_undefined(what);
    return *impl_;
  }
  void* checked_data(DType wanted) const;
  [[noreturn]] static void fail_item(const Scalar& value, size_t bytes, bool is_signed);
  static std::ostream& print(std::ostream& out, const TensorBase& x);
};

}  // namespace kiln
