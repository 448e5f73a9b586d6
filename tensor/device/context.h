#pragma once

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/cpu/context.h>
#include <kiln/tensor/tensor.h>

// Internal.

namespace kiln {

// What a kernel sees of a tensor: memory, type and layout, no history. Valid while the tensor lives; made
// implicitly where a kernel takes one. `data` is the first element (the layout's offset is already applied).
// An undefined tensor, where a kernel allows one, gives a view that is not `defined`.
struct TensorView {
  void* data = nullptr;
  DType dtype = DType::float32;
  const Layout* layout = nullptr;

  TensorView(const Tensor& x) {
    if (!x.defined()) return;
    data = x.raw_data();
    dtype = x.dtype();
    layout = &x.layout();
  }
  bool defined() const { return layout != nullptr; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  const Shape& shape() const { return layout->shape; }
  int64_t numel() const { return layout->numel(); }
};

[[noreturn]] void fail_no_cuda();

// In <kiln/tensor/cuda/context.h>, where CUDA is built; kernels declare their overload on it in every build.
struct CudaContext;
CudaContext& cuda_context(Device device);

// Runs f with the context of the device: on(x.device(), [&](auto& ctx) { kernels::softmax(ctx, ...); }).
// Kernels are overloads on the context's type, so one that was forgotten fails to link.
template <class F>
void on(Device device, F&& f) {
  if (device.is_cpu()) return f(CpuContext::current());
  if constexpr (kCudaBuilt)
    f(cuda_context(device));
  else
    fail_no_cuda();
}

}  // namespace kiln
