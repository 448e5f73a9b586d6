#include <kiln/tensor/device/transfer.h>

#include <cstring>

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/copy.h>
#include <kiln/tensor/device/context.h>
#include <kiln/tensor/meta.h>

namespace kiln {

void transfer(void* to, Device to_device, const void* from, Device from_device, int64_t bytes) {
  if (bytes == 0) return;
  if (to_device.is_cpu() && from_device.is_cpu()) {
    std::memcpy(to, from, size_t(bytes));
    return;
  }
  if constexpr (kCudaBuilt) return cuda::copy_bytes(to, to_device, from, from_device, bytes);
  fail_no_cuda();
}

namespace {

Tensor with_span(const Tensor& x, Device device) {
  if (x.device() == meta) fail("copy: the tensor is on meta, where there are no elements");
  const int64_t bytes = x.layout().span() * size_of(x.dtype());
  Ref<Storage> storage = Storage::allocate(bytes, device);
  transfer(storage->data, device, x.raw_data(), x.device(), bytes);
  Layout layout = x.layout();
  layout.offset = 0;
  return from_storage(std::move(storage), x.dtype(), layout);
}

}  // namespace

Tensor on_host(const Tensor& x) { return x.device().is_cpu() ? x : with_span(x, cpu); }

Tensor transferred(const Tensor& x, Device device) { return with_span(x, device); }

}  // namespace kiln
