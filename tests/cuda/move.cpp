#include "move.h"

#include <kiln/tensor/cuda/copy.h>

namespace kiln::test {
namespace {

Tensor moved(const Tensor& x, Device device) {
  const Storage& from = *x.impl()->storage;
  Ref<Storage> to = Storage::allocate(from.bytes, device);
  cuda::copy_bytes(to->data, device, from.data, from.device, from.bytes);
  return from_storage(to, x.dtype(), x.layout());
}

}  // namespace

Tensor on_cuda(const Tensor& x) { return moved(x, {DeviceType::cuda}); }
Tensor on_cpu(const Tensor& x) { return moved(x, cpu); }

}  // namespace kiln::test
