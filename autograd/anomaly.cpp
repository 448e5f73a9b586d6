#include <kiln/autograd/anomaly.h>

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>

#include <kiln/autograd/grad_mode.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

thread_local bool detecting = false;

std::string describe(void* address) {
  Dl_info info;
  if (dladdr(address, &info) == 0) return {};
  if (info.dli_sname == nullptr)
    return fmt::format("{}+{:#x}", info.dli_fname,
                       static_cast<char*>(address) - static_cast<char*>(info.dli_fbase));
  int status = 0;
  char* readable = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
  const std::string name = status == 0 ? readable : info.dli_sname;
  std::free(readable);
  return name;
}

}  // namespace

DetectAnomaly::DetectAnomaly() : before_(detecting) { detecting = true; }
DetectAnomaly::~DetectAnomaly() { detecting = before_; }

namespace autograd {

bool anomaly_mode() { return detecting; }

std::string call_site() {
  constexpr int kFrames = 48, kShown = 6;
  void* frames[kFrames];
  const int count = backtrace(frames, kFrames);
  std::string text;
  for (int i = 1, shown = 0; i < count && shown < kShown; ++i) {
    const std::string name = describe(frames[i]);
    if (name.empty() || name.find("kiln::autograd::") != std::string::npos) continue;
    text += (shown++ == 0 ? "" : " < ") + name;
  }
  return text;
}

}  // namespace autograd
}  // namespace kiln
