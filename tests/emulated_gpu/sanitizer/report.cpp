#include "report.h"

#include <cuda_runtime.h>
#include <dlfcn.h>

#include <cstdio>
#include <set>
#include <tuple>

#include "../device_code.h"
#include "../memory.h"
#include "../symbols.h"

namespace kiln::emulated {
namespace {

uintptr_t program_start() {
  static const uintptr_t start = [] {
    Dl_info info{};
    dladdr(reinterpret_cast<const void*>(&program_start), &info);
    return reinterpret_cast<uintptr_t>(info.dli_fbase);
  }();
  return start;
}

}  // namespace

uint32_t place_of(const void* instruction) {
  return uint32_t(reinterpret_cast<uintptr_t>(instruction) - program_start());
}

std::string place_text(uint32_t place) {
  return source_line(reinterpret_cast<const void*>(program_start() + place - 1));  // within the call before
}

std::string report(const Problem& p) {
  const uint3 thread = current_thread->index;
  std::string text = std::string(p.kind) + ": " + (p.write ? "write of " : "read of ") +
                     std::to_string(p.bytes) + " bytes of " + (p.shared ? "shared" : "global") +
                     " memory at " + place_text(p.place) + ", block " + std::to_string(p.block) +
                     " thread (" + std::to_string(thread.x) + "," + std::to_string(thread.y) + "," +
                     std::to_string(thread.z) + ")";
  if (p.other)
    text += std::string("; against ") + (p.other->atomic ? "an atomic" : "an access") + " at " +
            place_text(p.other->place) + ", block " + std::to_string(p.other->block) + " thread number " +
            std::to_string(p.other->thread);
  else if (!p.shared)
    text += "; " + describe_address(reinterpret_cast<const void*>(p.address));
  static std::set<std::tuple<const char*, uint32_t, uint32_t>> seen;
  if (seen.insert({p.kind, p.place, p.other ? p.other->place : 0}).second)
    std::fprintf(stderr, "GPU sanitizer: %s\n", text.c_str());
  return text;
}

}  // namespace kiln::emulated
