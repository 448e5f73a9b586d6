#include <kiln/kernels/base/cuda/cudnn_backend.h>

#include <algorithm>
#include <string_view>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/selected_device.h>

namespace kiln::kernels::cudnn {

static_assert(CUDNN_MAJOR >= 9, "Kiln needs cuDNN 9");

void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char explanation[1024] = "";
  cudnnGetLastErrorString(explanation, sizeof explanation);
  const std::string_view text(explanation);
  fail("cuDNN: {}: {}{}", what, cudnnGetErrorString(status), text.empty() ? "" : fmt::format(" ({})", text));
}

Handle::~Handle() {
  if (raw_ != nullptr) cudnnDestroy(raw_);
}

cudnnHandle_t Handle::on(const CudaContext& ctx) {
  if (raw_ == nullptr) {
    const cuda::SelectedDevice selected(ctx.device);
    check(cudnnCreate(&raw_), "cudnnCreate");
  }
  check(cudnnSetStream(raw_, ctx.stream), "cudnnSetStream");
  return raw_;
}

Descriptor::Owned::~Owned() {
  if (raw != nullptr) cudnnBackendDestroyDescriptor(raw);
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) : owned_(std::make_shared<Owned>()) {
  check(cudnnBackendCreateDescriptor(type, &owned_->raw), "create a descriptor");
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, std::span<const Descriptor> others) {
  std::vector<cudnnBackendDescriptor_t> handles;
  for (const Descriptor& other : others) {
    handles.push_back(other.raw());
    owned_->refers_to.push_back(other);
  }
  return put(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, int64_t(handles.size()),
             static_cast<const void*>(handles.data()));
}

Descriptor& Descriptor::finalize() {
  check(cudnnBackendFinalize(raw()), "finalize");
  return *this;
}

std::vector<Descriptor> Descriptor::get(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                        int64_t most) const {
  std::vector<Descriptor> found;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (int64_t i = 0; i < most; ++i) handles.push_back(found.emplace_back(type).raw());
  found.erase(found.begin() + int64_t(read(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, most,
                                           static_cast<void*>(handles.data()))),
              found.end());
  return found;
}

Descriptor& Descriptor::put(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                            const void* values) {
  check(cudnnBackendSetAttribute(raw(), name, type, count, values), "set an attribute");
  return *this;
}

size_t Descriptor::read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t most,
                        void* values) const {
  int64_t count = 0;
  check(cudnnBackendGetAttribute(raw(), name, type, most, &count, values), "get an attribute");
  return size_t(std::min(count, most));
}

}  // namespace kiln::kernels::cudnn
