#include <kiln/tensor/tensor.h>

#include <cstring>

#include <kiln/tensor/element.h>
#include <kiln/tensor/fail.h>
#include <kiln/tensor/transfer.h>

namespace kiln {

int64_t Tensor::size(int dim) const { return shape()[wrap_dim("size", dim, shape().rank())]; }

bool Tensor::is_contiguous(MemoryFormat format) const {
  return format == MemoryFormat::contiguous ? layout().is_contiguous() : layout().is_channels_last();
}

MemoryFormat Tensor::suggested_memory_format() const {
  const bool nhwc = dim() == 4 && !layout().is_contiguous() && layout().is_channels_last();
  return nhwc ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}

void* Tensor::checked_data(DType wanted) const {
  if (!defined()) fail("data: the tensor is undefined");
  if (dtype() != wanted) fail("data: the tensor holds {}, {} was asked for", dtype(), wanted);
  if (!device().is_cpu()) fail("data: the tensor is on {}; copy it to the CPU first with .to(cpu)", device());
  return raw_data();
}

namespace {

// The bytes of the only element, on the host.
struct OnlyElement {
  alignas(16) char bytes[16];

  explicit OnlyElement(const Tensor& x) {
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

double Tensor::item_real() const {
  const OnlyElement element(*this);
  return visit_element(dtype(), "item", [&]<class T>() { return double(element.as<T>()); });
}

int64_t Tensor::item_integer() const {
  const OnlyElement element(*this);
  return visit_element(dtype(), "item", [&]<class T>() { return int64_t(element.as<T>()); });
}

template <class Out>
std::vector<Out> Tensor::to_vector() const {
  if (!defined()) fail("to_vector: the tensor is undefined");
  const Tensor host = on_host(*this);
  std::vector<Out> values;
  values.reserve(size_t(numel()));
  visit_element(dtype(), "to_vector", [&]<class T>() {
    const T* x = static_cast<const T*>(host.raw_data());
    for_each_offset(host.layout(), [&](int64_t offset) { values.push_back(Out(x[offset])); });
  });
  return values;
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<int32_t> Tensor::to_vector() const;
template std::vector<uint8_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

Tensor empty(const Shape& shape, const TensorOptions& options) {
  const int64_t count = numel(shape);
  Ref<TensorImpl> impl(new TensorImpl);
  impl->layout = Layout::contiguous(shape, options.memory_format);
  impl->dtype = options.dtype;
  impl->storage = Storage::allocate(count * size_of(options.dtype), options.device);
  return Tensor(std::move(impl));
}

Tensor from_storage(Ref<Storage> storage, DType dtype, const Layout& layout) {
  numel(layout.shape);
  const int64_t available = storage->bytes / size_of(dtype);
  for (const int64_t stride : layout.strides)
    if (stride < 0) fail("from_storage: negative strides {} are not supported", layout.strides);
  if (layout.offset < 0 || layout.offset + layout.span() > available)
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

namespace detail {

Tensor from_nested(const double* values, DType dtype, const Shape& shape) {
  Tensor x = empty(shape, {.dtype = dtype, .device = cpu});
  visit_element(dtype, "tensor", [&]<class T>() {
    T* out = static_cast<T*>(x.raw_data());
    for (int64_t i = 0; i < x.numel(); ++i) out[i] = T(values[i]);
  });
  return factory_device().is_cpu() ? x : transferred(x, factory_device());
}

void ragged_literal() { fail("tensor: the rows of a nested list must have equal lengths"); }

}  // namespace detail
}  // namespace kiln
