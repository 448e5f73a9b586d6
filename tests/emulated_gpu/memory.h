#pragma once

// Memory of the emulated devices. Addresses that host code cannot touch, that are never used twice, and that
// end close to a page which nobody can touch.

#include <cstddef>
#include <cstdint>
#include <string>

namespace kiln::emulated {

struct Allocation {
  uintptr_t address = 0;
  size_t bytes = 0;
  int device = 0;
  bool live = true;
};

// Null when the device's memory would be exceeded, or the address space is used up.
void* allocate_device(size_t bytes, int device);
// False when p is not the start of a live allocation.
bool release_device(const void* p);
void release_all_devices();

// Whether p lies where device memory can be, allocated or not.
bool is_device_address(const void* p);
// The live allocation that holds all of [p, p + bytes), else null.
const Allocation* device_allocation(const void* p, size_t bytes);
// The same for a kernel, at each access: it runs under the runtime's lock, so nothing is allocated meanwhile.
const Allocation* device_allocation_in_kernel(const void* p, size_t bytes);
size_t device_bytes_in_use(int device);
// "12 bytes past the end of a live allocation of 4096 bytes"
std::string describe_address(const void* p);
// What a write outside of its allocation has left in the red zones, or an empty string.
std::string check_red_zones();

// While one of these lives, device memory can be read and written.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

// Pinned memory of the host.
void* allocate_pinned(size_t bytes);
bool release_pinned(const void* p);
bool register_pinned(const void* p, size_t bytes);
bool unregister_pinned(const void* p);
bool is_pinned(const void* p);

}  // namespace kiln::emulated
