#include "symbols.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string_view>

namespace kiln::emulated {
namespace {

// addr2line's answer: the function, then the place.
struct Symbol {
  std::string function, place;
};

std::string line_from(FILE* pipe) {
  std::string line;
  for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe)) line += char(c);
  return line;
}

// Kernels are linked into the program itself. (What dladdr says is the name that it was started by.)
std::string program_path() { return "/proc/" + std::to_string(getpid()) + "/exe"; }

// Places in the emulator's own headers, which stand for CUDA's built-in functions.
bool is_builtin(const std::string& place) {
  for (const char* header : {"atomics.h:", "intrinsics.h:", "warp.h:", "gpu_target.cuh:"})
    if (place.starts_with(header)) return true;
  return false;
}

Symbol look_up(const void* address) {
  Dl_info file{};
  char text[64];
  std::snprintf(text, sizeof text, "%p", address);
  if (!dladdr(address, &file)) return {text, text};
  const auto offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(file.dli_fbase);
  std::snprintf(text, sizeof text, " 0x%zx 2>/dev/null", size_t(offset));
  FILE* pipe = popen((std::string("addr2line -isfCe ") + program_path() + text).c_str(), "r");
  if (!pipe) return {text, text};
  // From the innermost inlined function outwards.
  Symbol symbol{line_from(pipe), line_from(pipe)};
  while (is_builtin(symbol.place)) {
    Symbol outer{line_from(pipe), line_from(pipe)};
    if (outer.place.empty()) break;
    symbol = std::move(outer);
  }
  pclose(pipe);
  symbol.place = symbol.place.substr(0, symbol.place.find(" (discriminator"));
  return symbol;
}

const Symbol& known(const void* address) {
  static std::map<const void*, Symbol> answers;
  auto it = answers.find(address);
  if (it == answers.end()) it = answers.emplace(address, look_up(address)).first;
  return it->second;
}

}  // namespace

std::string source_line(const void* instruction) { return known(instruction).place; }

std::string function_name(const void* function) {
  std::string name = known(function).function;
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  for (size_t at; (at = name.find(kAnonymous)) != std::string::npos;) name.erase(at, kAnonymous.size());
  return name.substr(0, name.find('('));
}

}  // namespace kiln::emulated
