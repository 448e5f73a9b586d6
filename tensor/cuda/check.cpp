#include <kiln/tensor/cuda/check.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <kiln/tensor/fail.h>

namespace kiln::cuda {
namespace {

constexpr uint64_t kRemembered = 8;  // launches named in a message; a step has hundreds
std::array<std::atomic<const char*>, kRemembered> ops;
std::atomic<uint64_t> launched, finished;

// Errors that a kernel causes, found by a later call.
bool is_late(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorAssert:
    case cudaErrorLaunchTimeout:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorInvalidPc:
    case cudaErrorInvalidAddressSpace:
      return true;
    default:
      return false;
  }
}

std::string suspects() {
  const uint64_t last = launched, first = std::max(finished.load(), last - std::min(last, kRemembered));
  if (first == last) return "";
  std::string names;
  for (uint64_t i = last; i > first; --i)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", ops[(i - 1) % kRemembered].load());
  const std::string_view more = first > finished.load() ? " and earlier ones" : "";
  if (last - first == 1 && more.empty()) return fmt::format("; the kernel is that of {}", names);
  return fmt::format(
      "; the kernel is one of these, last launched first: {}{}; run with CUDA_LAUNCH_BLOCKING=1 to see which",
      names, more);
}

std::string describe(cudaError_t error, const char* expression, const char* file, int line) {
  const std::string_view path(file);
  return fmt::format("cuda: {} ({}) from {} at {}:{}{}", cudaGetErrorString(error), cudaGetErrorName(error),
                     expression, path.substr(path.rfind('/') + 1), line, is_late(error) ? suspects() : "");
}

}  // namespace

void throw_failed(cudaError_t error, const char* expression, const char* file, int line) {
  const std::string message = describe(error, expression, file, line);
  cudaGetLastError();  // or the next check of an unrelated launch would find it again
  detail::throw_error(message);
}

void report_failed(cudaError_t error, const char* expression, const char* file, int line) noexcept {
  if (error == cudaErrorCudartUnloading) return;
  std::fputs((describe(error, expression, file, line) + "\n").c_str(), stderr);
  cudaGetLastError();
}

void note_launch(const char* op) { ops[launched++ % kRemembered] = op; }
void note_synchronized() { finished = launched.load(); }

}  // namespace kiln::cuda
