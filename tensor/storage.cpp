#include <kiln/tensor/storage.h>

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cpu/allocator.h>
#include <kiln/tensor/cuda/allocator.h>
#include <kiln/tensor/cuda/devices.h>

namespace kiln {

namespace {

void* allocate_on(int64_t bytes, Device device) {
  if (device.is_cpu()) return host::allocate(bytes);
  if constexpr (kCudaBuilt) return cuda::allocate(bytes, device);
  fail("allocate: device {} is not available in this build", device);
}

void release_on(void* data, int64_t bytes, Device device) {
  if (device.is_cpu()) return host::release(data, bytes);
  if constexpr (kCudaBuilt) cuda::release(data, device);
}

}  // namespace

Ref<Storage> Storage::allocate(int64_t bytes, Device device) {
  void* data = allocate_on(bytes, device);
  Ref<Storage> storage(new Storage);
  storage->data = data;
  storage->bytes = bytes;
  storage->device = device;
  return storage;
}

Ref<Storage> Storage::adopt(void* data, int64_t bytes, Device device, void* owner,
                            void (*release)(void* owner)) {
  if constexpr (kCudaBuilt)
    if (device.is_cuda() && data != nullptr && bytes > 0) cuda::check_memory(data, device);
  Ref<Storage> storage(new Storage);
  storage->data = data;
  storage->bytes = bytes;
  storage->device = device;
  storage->owner_ = owner;
  storage->release_ = release;
  return storage;
}

void Storage::replace_memory(void* memory, void* owner, void (*release)(void* owner)) {
  free_memory();
  data = memory;
  owner_ = owner;
  release_ = release;
}

void Storage::free_memory() {
  if (release_ != nullptr)
    release_(owner_);
  else if (data != nullptr)
    release_on(data, bytes, device);
}

void Storage::destroy(Storage* storage) {
  storage->free_memory();
  delete storage;
}

}  // namespace kiln
