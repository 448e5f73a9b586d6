#pragma once

// What the emulator tells the GPU sanitizer. Without one these do nothing (sanitizer_hooks.cpp).

#include <cstddef>
#include <cstdint>
#include <string>

namespace kiln::emulated {

struct SanitizerHooks {
  void (*launch_begin)(const void* kernel) = nullptr;
  std::string (*launch_end)() = nullptr;  // the first problem of the launch, or nothing
  void (*block_begin)(uint64_t block, unsigned threads, const void* shared, size_t bytes) = nullptr;
  void (*block_resume)(const void* shared) = nullptr;  // the block with this shared memory goes on
  void (*block_pause)() = nullptr;                     // it has ended or come to a barrier of the grid
  void (*grid_barrier)() = nullptr;                    // all blocks have
  void (*shared_range)(const void* p, size_t bytes) = nullptr;  // became usable
  void (*block_barrier)() = nullptr;
  void (*warp_barrier)(unsigned warp) = nullptr;
  void (*device_range)(const void* p, size_t bytes) = nullptr;  // allocated
  void (*device_release)(const void* p) = nullptr;
  void (*device_write)(const void* p, size_t bytes) = nullptr;                    // by a copy or a fill
  void (*device_copy)(const void* to, const void* from, size_t bytes) = nullptr;  // within the device
  void (*access)(const void* p, size_t bytes, bool write, const void* pc) = nullptr;
};

// Set by the sanitizer, where it is linked.
extern SanitizerHooks sanitizer;

}  // namespace kiln::emulated
