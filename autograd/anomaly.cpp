#include <kiln/autograd/anomaly.h>

#include <cxxabi.h>

#ifdef KILN_BACKTRACE
#include <backtrace.h>
#else
#include <dlfcn.h>
#include <execinfo.h>
#endif

#include <cstdlib>
#include <vector>

#include <kiln/autograd/grad_mode.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

constinit thread_local bool detecting = false;

struct Frame {
  std::string function, place;  // "train.cpp:40", empty where the program has no debug information
};

std::string readable(const char* symbol) {
  int status = 0;
  char* name = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
  std::string result = status == 0 ? name : symbol;
  std::free(name);
  constexpr std::string_view kUnnamed = "(anonymous namespace)::";
  for (size_t at; (at = result.find(kUnnamed)) != std::string::npos;) result.erase(at, kUnnamed.size());
  return result.substr(0, result.find('('));
}

#ifdef KILN_BACKTRACE

// From the program's own symbols and debug information.
std::vector<Frame> frames() {
  static backtrace_state* const state = backtrace_create_state(nullptr, 1, nullptr, nullptr);
  std::vector<Frame> result;
  backtrace_full(
      state, 1,
      [](void* list, uintptr_t address, const char* file, int line, const char* function) {
        Frame frame;
        if (function != nullptr) {
          frame.function = readable(function);
        } else {
          backtrace_syminfo(
              state, address,
              [](void* into, uintptr_t, const char* symbol, uintptr_t, uintptr_t) {
                if (symbol != nullptr) static_cast<Frame*>(into)->function = readable(symbol);
              },
              nullptr, &frame);
        }
        if (file != nullptr) {
          const std::string_view path = file;
          frame.place = fmt::format("{}:{}", path.substr(path.rfind('/') + 1), line);
        }
        static_cast<std::vector<Frame>*>(list)->push_back(std::move(frame));
        return 0;
      },
      nullptr, &result);
  return result;
}

#else

// From what the dynamic linker knows.
std::vector<Frame> frames() {
  void* addresses[48];
  const int count = backtrace(addresses, 48);
  std::vector<Frame> result;
  for (int i = 1; i < count; ++i)
    if (Dl_info info; dladdr(addresses[i], &info) != 0 && info.dli_sname != nullptr)
      result.push_back({readable(info.dli_sname), ""});
  return result;
}

#endif

// Kiln's own functions, the C++ library's, and what runs before main().
bool is_inner(const std::string& function) {
  return function.empty() || function.starts_with("kiln::") || function.starts_with("std::") ||
         function.find(" kiln::") != std::string::npos || function.starts_with("__libc") ||
         function == "_start";
}

}  // namespace

DetectAnomaly::DetectAnomaly() : before_(detecting) { detecting = true; }
DetectAnomaly::~DetectAnomaly() { detecting = before_; }

namespace autograd {

bool anomaly_mode() { return detecting; }

std::string call_site() {
  constexpr int kShown = 4;
  std::string text = kiln::detail::current_module_path == nullptr ? "" : kiln::detail::current_module_path();
  int shown = 0;
  for (const Frame& frame : frames()) {
    if (is_inner(frame.function) || shown == kShown) continue;
    text += (text.empty() ? "" : shown == 0 ? ", called from " : " < ") + frame.function;
    if (!frame.place.empty()) text += " (" + frame.place + ")";
    ++shown;
  }
  return text.empty() ? "a function without a name" : text;
}

}  // namespace autograd
}  // namespace kiln
