#include <kiln/tensor/cuda/context.h>

#include <array>
#include <mutex>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/cuda/stream.h>
#include <kiln/tensor/device/context.h>

namespace kiln {
namespace {

// The stream that all threads use on a device unless they choose another. Never destroyed: tensors with
// static lifetime are freed on it.
cudaStream_t main_stream(int device) {
  static std::mutex mutex;
  static std::array<cudaStream_t, cuda::kMaxDevices> streams{};
  const std::lock_guard lock(mutex);
  cudaStream_t& stream = streams[size_t(device)];
  if (stream == nullptr) CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

thread_local int current_index = 0;

}  // namespace

CudaContext& CudaContext::current() { return of({DeviceType::cuda, current_index}); }

CudaContext& CudaContext::of(Device device) {
  thread_local std::array<CudaContext, cuda::kMaxDevices> contexts;
  const int index = device.index;
  cuda::check_device(device);
  int selected = -1;  // asked each time: others call cudaSetDevice too
  CUDA_CHECK(cudaGetDevice(&selected));
  if (index != selected) CUDA_CHECK(cudaSetDevice(index));
  CudaContext& context = contexts[size_t(index)];
  if (context.stream == nullptr) {
    context.device = device;
    CUDA_CHECK(cudaDeviceGetAttribute(&context.processors, cudaDevAttrMultiProcessorCount, index));
    context.stream = main_stream(index);
  }
  return context;
}

CudaContext& cuda_context(Device device) { return CudaContext::of(device); }

namespace cuda {

DeviceGuard::DeviceGuard(Device device) : previous_(current_index) {
  check_device(device);
  current_index = device.index;
}
DeviceGuard::~DeviceGuard() { current_index = previous_; }

Device current_device() { return {DeviceType::cuda, current_index}; }

}  // namespace cuda

}  // namespace kiln
