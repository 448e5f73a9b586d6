#include <kiln/tensor/cuda/devices.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/check.h>

namespace kiln::cuda {
namespace {

struct Found {
  int count = 0;
  std::string why_none;
};

std::string version(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

std::string reason(cudaError_t error) {
  int driver = 0, runtime = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) return "there is no NVIDIA driver";
  if (error == cudaErrorInsufficientDriver && cudaRuntimeGetVersion(&runtime) == cudaSuccess)
    return fmt::format("the NVIDIA driver knows CUDA up to {}, this build needs {}: update the driver",
                       version(driver), version(runtime));
  if (error == cudaSuccess || error == cudaErrorNoDevice) {
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    return visible == nullptr ? "there is no NVIDIA GPU"
                              : fmt::format("CUDA_VISIBLE_DEVICES='{}' leaves no GPU", visible);
  }
  return fmt::format("the GPU cannot be used: {} ({})", cudaGetErrorString(error), cudaGetErrorName(error));
}

const Found& found() {
  static const Found result = [] {
    Found f;
    const cudaError_t error = cudaGetDeviceCount(&f.count);
    if (error != cudaSuccess) f.count = 0;
    f.count = std::min(f.count, kMaxDevices);
    if (f.count == 0) f.why_none = reason(error);
    cudaGetLastError();
    return f;
  }();
  return result;
}

}  // namespace

int device_count() { return found().count; }

void check_device(Device device) {
  if (!device.is_cuda()) fail("cuda: {} is not a GPU", device);
  const int count = device_count();
  if (count == 0) fail("cuda: {} cannot be used: {}; use the CPU", device, found().why_none);
  if (device.index < 0 || device.index >= count)
    fail("cuda: {} does not exist: there {} (cuda:0{})", device,
         count == 1 ? "is 1 GPU" : fmt::format("are {} GPUs", count),
         count == 1 ? "" : fmt::format(" .. cuda:{}", count - 1));
}

void check_memory(const void* data, Device device) {
  check_device(device);
  cudaPointerAttributes found{};
  CUDA_CHECK(cudaPointerGetAttributes(&found, data));
  if (found.type == cudaMemoryTypeManaged) return;
  if (found.type != cudaMemoryTypeDevice)
    fail("cuda: {} is memory of the host, not of {}; copy it there", data, device);
  if (found.device != device.index)
    fail("cuda: {} is memory of cuda:{}, not of {}", data, found.device, device);
}

std::string describe(Device device) {
  check_device(device);
  cudaDeviceProp p{};
  CUDA_CHECK(cudaGetDeviceProperties(&p, device.index));
  constexpr double kGiB = double(1 << 30);
  return fmt::format("{}: {}, compute capability {}.{}, {:.1f} GiB", device, p.name, p.major, p.minor,
                     double(p.totalGlobalMem) / kGiB);
}

void say_unavailable() {
  static const bool said = [] {
    std::fputs(fmt::format("kiln: {}; the CPU is used\n", found().why_none).c_str(), stderr);
    return true;
  }();
  static_cast<void>(said);
}

}  // namespace kiln::cuda
