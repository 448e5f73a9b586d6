#include <kiln/tensor/tensor.h>

#include <cstring>

#include <kiln/tensor/base/bytes_of.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/transfer.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln {

namespace detail {

void fail_undefined(const char* what) { fail("{}: the tensor is undefined", what); }

// Defined in autograd/; null in a program that links nothing of it.
[[gnu::weak]] void require_grad(const Tensor& x);

}  // namespace detail

namespace {

int own_dim(const char* op, int dim, const Shape& shape) {
  if (shape.rank() == 0) fail("{}: a 0-dim tensor has no dim {}; numel() is 1", op, dim);
  return wrap_dim(op, dim, shape.rank());
}

}  // namespace

int64_t TensorBase::size(int dim) const {
  const Shape& sizes = known("size").layout.shape;
  return sizes[own_dim("size", dim, sizes)];
}

int64_t TensorBase::stride(int dim) const {
  const Layout& layout = known("stride").layout;
  return layout.strides[own_dim("stride", dim, layout.shape)];
}

bool TensorBase::is_contiguous(MemoryFormat format) const {
  return format == MemoryFormat::contiguous ? layout().is_contiguous() : layout().is_channels_last();
}

MemoryFormat TensorBase::suggested_memory_format() const {
  const bool nhwc = dim() == 4 && !layout().is_contiguous() && layout().is_channels_last();
  return nhwc ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}

void* TensorBase::checked_data(DType wanted) const {
  if (!defined()) fail("data: the tensor is undefined");
  if (dtype() != wanted) fail("data: the tensor holds {}, {} was asked for", dtype(), wanted);
  if (!device().is_cpu()) fail("data: the tensor is on {}; copy it to the CPU first with .to(cpu)", device());
  return raw_data();
}

namespace {

// The bytes of the only element, on the host.
struct OnlyElement {
  alignas(16) char bytes[16];

  explicit OnlyElement(const TensorBase& x) {
    if (!x.defined()) fail("item: the tensor is undefined");
    if (x.numel() != 1) fail("item: needs a tensor with one element, x has shape {}", x.shape());
    transfer(bytes, cpu, x.raw_data(), x.device(), size_of(x.dtype()));
  }
  template <class T>
  T as() const {
    return *reinterpret_cast<const T*>(bytes);
  }
};

}  // namespace

void TensorBase::fail_item(const Scalar& value, size_t bytes, bool is_signed) {
  fail("item: {} is asked for as an integer of {} bits {} sign, which does not hold it", to_string(value),
       8 * bytes, is_signed ? "with" : "without");
}

Scalar TensorBase::item() const {
  const OnlyElement element(*this);
  return visit_element(dtype(), "item", [&]<class T>() {
    if constexpr (std::is_integral_v<T>)
      return Scalar(element.as<T>());
    else
      return Scalar(double(element.as<T>()));
  });
}

template <class Out>
std::vector<Out> TensorBase::to_vector() const {
  if (!defined()) fail("to_vector: the tensor is undefined");
  const Tensor host = on_host(Tensor(impl_));
  std::vector<Out> values;
  values.reserve(size_t(numel()));
  visit_element(dtype(), "to_vector", [&]<class T>() {
    const T* x = static_cast<const T*>(host.raw_data());
    for_each_offset(host.layout(), [&](int64_t offset) { values.push_back(Out(x[offset])); });
  });
  return values;
}
template std::vector<float> TensorBase::to_vector() const;
template std::vector<double> TensorBase::to_vector() const;
template std::vector<int64_t> TensorBase::to_vector() const;
template std::vector<int32_t> TensorBase::to_vector() const;
template std::vector<uint8_t> TensorBase::to_vector() const;
template std::vector<bool> TensorBase::to_vector() const;

Tensor empty(const Shape& shape, const TensorOptions& options) {
  const int64_t bytes = bytes_of(shape, options.dtype);
  Ref<TensorImpl> impl(new TensorImpl);
  impl->layout = Layout::contiguous(shape, options.memory_format);
  impl->dtype = options.dtype;
  impl->storage = Storage::allocate(bytes, options.device);
  const Tensor x(std::move(impl));
  if (options.requires_grad) {
    if (detail::require_grad == nullptr) fail("empty: requires_grad needs autograd, which is not linked");
    detail::require_grad(x);
  }
  return x;
}

Tensor from_storage(Ref<Storage> storage, DType dtype, const Layout& layout) {
  layout.check("from_storage");
  const int64_t available = storage->bytes / size_of(dtype);
  const bool reads = layout.numel() != 0;  // what has no element may stand anywhere
  if (layout.offset < 0 || (reads && layout.offset + layout.span() > available))
    fail("from_storage: shape {} with strides {} and offset {} reaches beyond a storage of {} elements",
         layout.shape, layout.strides, layout.offset, available);
  Ref<TensorImpl> impl(new TensorImpl);
  impl->layout = layout;
  impl->dtype = dtype;
  impl->storage = std::move(storage);
  return Tensor(std::move(impl));
}

template <class T>
Tensor from_values(std::span<const T> values, const Shape& shape) {
  if (int64_t(values.size()) != numel(shape))
    fail("from_values: shape {} needs {} values, {} were given", shape, numel(shape), values.size());
  Tensor x = empty(shape, {.dtype = dtype_of<T>});
  transfer(x.raw_data(), x.device(), values.data(), cpu, int64_t(values.size_bytes()));
  return x;
}
template Tensor from_values(std::span<const float>, const Shape&);
template Tensor from_values(std::span<const double>, const Shape&);
template Tensor from_values(std::span<const Half>, const Shape&);
template Tensor from_values(std::span<const BFloat16>, const Shape&);
template Tensor from_values(std::span<const int64_t>, const Shape&);
template Tensor from_values(std::span<const int32_t>, const Shape&);
template Tensor from_values(std::span<const int16_t>, const Shape&);
template Tensor from_values(std::span<const int8_t>, const Shape&);
template Tensor from_values(std::span<const uint8_t>, const Shape&);
template Tensor from_values(std::span<const bool>, const Shape&);

}  // namespace kiln
