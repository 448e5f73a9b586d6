#include <kiln/tensor/cuda/check.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/launches.h>

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

// The ops launched since the host last waited for a device, or the last ones of all when it just has.
std::string suspects() {
  const uint64_t last = launched, waited = finished < last ? finished.load() : 0;
  const uint64_t first = std::max(waited, last - std::min(last, kRemembered));
  if (first == last) return "";
  if (last - first == 1) return fmt::format("; the kernel is that of {}", ops[first % kRemembered].load());
  std::string names;
  for (uint64_t i = last; i > first; --i)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", ops[(i - 1) % kRemembered].load());
  return fmt::format(
      "; the kernel is that of one of these, last launched first: {}{}; CUDA_LAUNCH_BLOCKING=1 tells which",
      names, first > waited ? " or an earlier one" : "");
}

bool is_blocking() {
  static const bool blocking = [] {
    const char* value = std::getenv("CUDA_LAUNCH_BLOCKING");
    return value != nullptr && std::string_view(value) != "0" && *value != 0;
  }();
  return blocking;
}

std::string describe(cudaError_t error, const char* expression, const char* file, int line) {
  const std::string_view path(file);
  return fmt::format("cuda: {} ({}) from {} at {}:{}{}", cudaGetErrorString(error), cudaGetErrorName(error),
                     expression, path.substr(path.rfind('/') + 1), line, is_late(error) ? suspects() : "");
}

}  // namespace

void throw_failed(cudaError_t error, const char* expression, const char* file, int line) {
  const std::string message = describe(error, expression, file, line);
  cudaGetLastError();  // or a later check would find it again
  detail::throw_error(message);
}

void report_failed(cudaError_t error, const char* expression, const char* file, int line) noexcept {
  if (error == cudaErrorCudartUnloading) return;
  std::fputs((describe(error, expression, file, line) + "\n").c_str(), stderr);
  cudaGetLastError();
}

void note_launch(const char* op) { ops[launched++ % kRemembered] = op; }
uint64_t launches() { return launched; }

void check_launch(cudaError_t error, const char* op, cudaStream_t stream) {
  if (error == cudaSuccess && is_blocking()) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    error = cudaStreamIsCapturing(stream, &status);
    if (error == cudaSuccess && status == cudaStreamCaptureStatusNone) error = cudaStreamSynchronize(stream);
    if (error == cudaSuccess) note_synchronized();
  }
  if (error == cudaSuccess) return;
  const std::string message =
      is_late(error) && !is_blocking()
          ? fmt::format("{}: could not be launched, an earlier kernel failed: {} ({}){}", op,
                        cudaGetErrorString(error), cudaGetErrorName(error), suspects())
          : fmt::format("{}: the CUDA kernel failed: {} ({})", op, cudaGetErrorString(error),
                        cudaGetErrorName(error));
  cudaGetLastError();
  detail::throw_error(message);
}

void note_synchronized() { finished = launched.load(); }

}  // namespace kiln::cuda
