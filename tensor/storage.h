#pragma once

#include <kiln/tensor/base/ref.h>
#include <kiln/tensor/device/device.h>

namespace kiln {

// Bytes on a device, shared by the tensors that view them. `version` counts in-place writes, so that a saved
// tensor that was overwritten is found.
struct Storage : RefCounted {
  void* data = nullptr;
  int64_t bytes = 0;
  Device device;
  uint32_t version = 0;
  const char* last_write = nullptr;  // the op that wrote last in place, a string literal

  // From the device's caching allocator; uninitialised, aligned to 64 bytes. Throws when memory runs out.
  static Ref<Storage> allocate(int64_t bytes, Device device);

  // Others' memory: release(owner) runs after the last tensor. For a GPU: throws if the host's or another's.
  static Ref<Storage> adopt(void* data, int64_t bytes, Device device, void* owner,
                            void (*release)(void* owner));

  // Puts other memory of the same device and size, which already holds the same bytes, in place of the
  // present one, which is freed. Every tensor of this storage follows.
  void replace_memory(void* memory, void* owner, void (*release)(void* owner));

  static void destroy(Storage* storage);

 private:
  void free_memory();

  void* owner_ = nullptr;
  void (*release_)(void* owner) = nullptr;
};

}  // namespace kiln
