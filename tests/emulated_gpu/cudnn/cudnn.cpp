#include <cudnn.h>
#include <dlfcn.h>

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "../api.h"
#include "../memory.h"
#include "model.h"
#include "plan.h"

// The functions of cuDNN that need a driver. All others are cuDNN's own: it makes the graphs, proposes
// engines and finalises plans, for a GPU that it is only told of. A finalised plan is executed as it
// describes itself.

namespace kiln::emulated {
namespace {

struct Handle {
  cudaStream_t stream = nullptr;
};

std::mutex mutex;
std::set<const void*>& handles() {
  static auto* alive = new std::set<const void*>;
  return *alive;
}

Handle* find(cudnnHandle_t handle) {
  const std::lock_guard lock(mutex);
  return handles().contains(handle) ? reinterpret_cast<Handle*>(handle) : nullptr;
}

// cuDNN does not tell what a variant pack holds, so it is noted when it is set.
std::map<const void*, VariantPack>& packs() {
  static auto* noted = new std::map<const void*, VariantPack>;
  return *noted;
}

void note(cudnnBackendDescriptor_t pack, cudnnBackendAttributeName_t name, int64_t count,
          const void* values) {
  const std::lock_guard lock(mutex);
  VariantPack& noted = packs()[pack];
  const auto* names = static_cast<const int64_t*>(values);
  auto* const* pointers = static_cast<void* const*>(values);
  if (name == CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS) noted.names.assign(names, names + count);
  if (name == CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS) noted.pointers.assign(pointers, pointers + count);
  if (name == CUDNN_ATTR_VARIANT_PACK_WORKSPACE) noted.workspace = *pointers;
}

VariantPack noted(cudnnBackendDescriptor_t pack) {
  const std::lock_guard lock(mutex);
  const auto found = packs().find(pack);
  return found == packs().end() ? VariantPack{} : found->second;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// A handle given as an attribute.
bool is_handle(cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  return type == CUDNN_TYPE_HANDLE && count == 1 && values &&
         find(*static_cast<const cudnnHandle_t*>(values));
}

// In place of a handle cuDNN gets the description of a device.
cudnnStatus_t give_model(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name) {
  const cudnnBackendDescriptor_t model = model_descriptor();
  if (!model) return CUDNN_STATUS_NOT_INITIALIZED;
  return real_set_attribute(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &model);
}

cudnnStatus_t refuse(const std::string& why) {
  std::fprintf(stderr, "emulated cuDNN: %s\n", why.c_str());
  return CUDNN_STATUS_BAD_PARAM;
}

}  // namespace

cudnnStatus_t real_set_attribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                 cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  static auto* const function = real<decltype(cudnnBackendSetAttribute)>("cudnnBackendSetAttribute");
  return function(descriptor, name, type, count, values);
}

}  // namespace kiln::emulated

using namespace kiln::emulated;

extern "C" {

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  if (!handle) return CUDNN_STATUS_BAD_PARAM;
  if (options().devices == 0) return CUDNN_STATUS_NOT_INITIALIZED;
  auto* object = new Handle;
  const std::lock_guard lock(mutex);
  handles().insert(object);
  *handle = reinterpret_cast<cudnnHandle_t>(object);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  const std::unique_ptr<Handle> object(find(handle));
  if (!object) return CUDNN_STATUS_BAD_PARAM;
  const std::lock_guard lock(mutex);
  handles().erase(object.get());
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  Handle* object = find(handle);
  if (!object) return CUDNN_STATUS_BAD_PARAM;
  object->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  switch (name) {
    case CUDNN_ATTR_OPERATIONGRAPH_HANDLE:
      return is_handle(type, count, values) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
    case CUDNN_ATTR_EXECUTION_PLAN_HANDLE:
      return is_handle(type, count, values) ? give_model(descriptor, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP)
                                            : CUDNN_STATUS_BAD_PARAM;
    case CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS:
    case CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS:
    case CUDNN_ATTR_VARIANT_PACK_WORKSPACE: {
      const cudnnStatus_t status = real_set_attribute(descriptor, name, type, count, values);
      if (status == CUDNN_STATUS_SUCCESS) note(descriptor, name, count, values);
      return status;
    }
    case CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH:
      if (const cudnnStatus_t status = give_model(descriptor, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP))
        return status;
      [[fallthrough]];
    default:
      return real_set_attribute(descriptor, name, type, count, values);
  }
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  {
    const std::lock_guard lock(mutex);
    packs().erase(descriptor);
  }
  static auto* const function =
      real<decltype(cudnnBackendDestroyDescriptor)>("cudnnBackendDestroyDescriptor");
  return function(descriptor);
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t variant_pack) {
  const Handle* object = find(handle);
  if (!object) return CUDNN_STATUS_BAD_PARAM;
  auto task = std::make_shared<ConvolutionTask>();
  if (const std::string wrong = read_plan(plan, noted(variant_pack), *task); !wrong.empty())
    return refuse(wrong);
  return enqueue(std::move(task), object->stream) == cudaSuccess ? CUDNN_STATUS_SUCCESS
                                                                 : CUDNN_STATUS_EXECUTION_FAILED;
}
}
