#include <kiln/tensor/cuda/stream.h>

#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/cuda/found_error.h>
#include <kiln/tensor/cuda/selected_device.h>

namespace kiln::cuda {
namespace {

struct StreamPool {
  std::mutex mutex;
  std::array<std::vector<cudaStream_t>, kMaxDevices> idle;
};

// Never destroyed: a Stream with static lifetime may come back after it would be.
StreamPool& stream_pool() {
  static auto* pool = new StreamPool;
  return *pool;
}

}  // namespace

Stream::Stream(Device device) : device_(device), owned_(true) {
  check_device(device);
  const SelectedDevice selected(device);
  StreamPool& pool = stream_pool();
  const std::lock_guard lock(pool.mutex);
  std::vector<cudaStream_t>& idle = pool.idle[size_t(device.index)];
  if (idle.empty()) {
    CUDA_CHECK(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking));
  } else {
    handle_ = idle.back();
    idle.pop_back();
  }
}

Stream Stream::current(Device device) { return Stream(device, CudaContext::of(device).stream, false); }

Stream::Stream(Stream&& other) noexcept
    : device_(other.device_), handle_(other.handle_), owned_(std::exchange(other.owned_, false)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(handle_, other.handle_);
  std::swap(owned_, other.owned_);
  return *this;
}

Stream::~Stream() {
  if (!owned_ || handle_ == nullptr) return;
  StreamPool& pool = stream_pool();
  const std::lock_guard lock(pool.mutex);
  pool.idle[size_t(device_.index)].push_back(handle_);
}

void Stream::synchronize() const {
  const SelectedDevice selected(device_);
  CUDA_CHECK(cudaStreamSynchronize(handle_));
  throw_found_error();
}

bool Stream::is_done() const {
  const SelectedDevice selected(device_);
  const cudaError_t state = cudaStreamQuery(handle_);
  if (state == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  CUDA_CHECK(state);
  return true;
}

void Stream::wait(const Event& event) const {
  if (!event.is_recorded()) return;
  const SelectedDevice selected(device_);
  CUDA_CHECK(cudaStreamWaitEvent(handle_, event.handle(), 0));
}

void Stream::wait(const Stream& other) const {
  Event event;
  event.record(other);
  wait(event);
}

Event::~Event() {
  if (handle_ != nullptr) CUDA_CHECK_NOTHROW(cudaEventDestroy(handle_));
}

void Event::record(const Stream& stream) {
  const SelectedDevice selected(stream.device());
  if (handle_ != nullptr &&
      device_ != stream.device())  // an event is of one device; what it recorded goes on
    CUDA_CHECK(cudaEventDestroy(std::exchange(handle_, nullptr)));
  if (handle_ == nullptr)
    CUDA_CHECK(cudaEventCreateWithFlags(&handle_, timed_ ? cudaEventDefault : cudaEventDisableTiming));
  device_ = stream.device();
  CUDA_CHECK(cudaEventRecord(handle_, stream.handle()));
}

bool Event::is_done() const {
  if (handle_ == nullptr) return true;
  const cudaError_t state = cudaEventQuery(handle_);
  if (state == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  CUDA_CHECK(state);
  return true;
}

void Event::synchronize() const {
  if (handle_ == nullptr) return;
  CUDA_CHECK(cudaEventSynchronize(handle_));
  throw_found_error();
}

double Event::milliseconds_since(const Event& start) const {
  if (!timed_ || !start.timed_) fail("event: only events made with `timed` can tell milliseconds");
  if (!is_recorded() || !start.is_recorded()) fail("event: both events must be recorded first");
  float milliseconds = 0;
  CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start.handle_, handle_));
  return milliseconds;
}

StreamGuard::StreamGuard(const Stream& stream)
    : device_(stream.device()),
      previous_(std::exchange(CudaContext::of(stream.device()).stream, stream.handle())) {}
StreamGuard::~StreamGuard() { CudaContext::of(device_).stream = previous_; }

void synchronize(Device device) {
  check_device(device);
  const SelectedDevice selected(device);
  CUDA_CHECK(cudaDeviceSynchronize());
  note_synchronized();
  throw_found_error();
}

}  // namespace kiln::cuda
