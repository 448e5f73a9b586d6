#pragma once

// For sources of kernels only: the few functions of cuDNN's backend API, with owners, types and errors.

#include <cudnn.h>

#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include <kiln/tensor/cuda/context.h>

namespace kiln::kernels::cudnn {

// Throws "cuDNN: <what>: <status> (<cuDNN's own explanation>)".
void check(cudnnStatus_t status, const char* what);

// A handle, of one device and for one thread at a time.
class Handle {
 public:
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();
  // Set to the context's stream; made on its device at the first call.
  cudnnHandle_t on(const CudaContext& ctx);

 private:
  cudnnHandle_t raw_ = nullptr;
};

// The attribute type of a C++ type.
template <cudnnBackendAttributeType_t type>
struct AttributeType {
  static constexpr cudnnBackendAttributeType_t value = type;
};
template <class T>
struct TypeOf;
template <>
struct TypeOf<int64_t> : AttributeType<CUDNN_TYPE_INT64> {};
template <>
struct TypeOf<float> : AttributeType<CUDNN_TYPE_FLOAT> {};
template <>
struct TypeOf<double> : AttributeType<CUDNN_TYPE_DOUBLE> {};
template <>
struct TypeOf<bool> : AttributeType<CUDNN_TYPE_BOOLEAN> {};
template <>
struct TypeOf<void*> : AttributeType<CUDNN_TYPE_VOID_PTR> {};
template <>
struct TypeOf<cudnnHandle_t> : AttributeType<CUDNN_TYPE_HANDLE> {};
template <>
struct TypeOf<cudnnDataType_t> : AttributeType<CUDNN_TYPE_DATA_TYPE> {};
template <>
struct TypeOf<cudnnConvolutionMode_t> : AttributeType<CUDNN_TYPE_CONVOLUTION_MODE> {};
template <>
struct TypeOf<cudnnPointwiseMode_t> : AttributeType<CUDNN_TYPE_POINTWISE_MODE> {};
template <>
struct TypeOf<cudnnNanPropagation_t> : AttributeType<CUDNN_TYPE_NAN_PROPOGATION> {};
template <>
struct TypeOf<cudnnBackendHeurMode_t> : AttributeType<CUDNN_TYPE_HEUR_MODE> {};
template <>
struct TypeOf<cudnnBackendNumericalNote_t> : AttributeType<CUDNN_TYPE_NUMERICAL_NOTE> {};

// A shared backend descriptor, with those it refers to. Setting and getting throw what cuDNN says.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);

  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, const T& value) {
    return put(name, TypeOf<T>::value, 1, static_cast<const void*>(&value));
  }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, std::span<const T> values) {
    return put(name, TypeOf<T>::value, int64_t(values.size()), static_cast<const void*>(values.data()));
  }
  Descriptor& set(cudnnBackendAttributeName_t name, std::initializer_list<int64_t> values) {
    return put(name, CUDNN_TYPE_INT64, int64_t(values.size()), values.begin());
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& other) {
    return set(name, std::span(&other, 1));
  }
  Descriptor& set(cudnnBackendAttributeName_t name, std::span<const Descriptor> others);
  Descriptor& finalize();

  // At most `most` values.
  template <class T>
  std::vector<T> get(cudnnBackendAttributeName_t name, int64_t most) const {
    std::vector<T> values(static_cast<size_t>(most));
    values.resize(read(name, TypeOf<T>::value, most, values.data()));
    return values;
  }
  template <class T>
  T get(cudnnBackendAttributeName_t name) const {
    T value{};
    read(name, TypeOf<T>::value, 1, static_cast<void*>(&value));
    return value;
  }
  std::vector<Descriptor> get(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                              int64_t most) const;

  cudnnBackendDescriptor_t raw() const { return owned_->raw; }

 private:
  struct Owned {
    cudnnBackendDescriptor_t raw = nullptr;
    std::vector<Descriptor> refers_to;
    ~Owned();
  };
  Descriptor& put(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                  const void* values);
  size_t read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t most,
              void* values) const;

  std::shared_ptr<Owned> owned_;
};

}  // namespace kiln::kernels::cudnn
