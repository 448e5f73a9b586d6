#include "runtime.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "memory.h"
#include "options.h"

namespace kiln::emulated {
namespace {

// Handles are addresses that nothing can be at.
constexpr uint64_t kFirstHandle = 0x5000, kHandleStep = 16;

cudaStream_t default_handle(int device) {
  return reinterpret_cast<cudaStream_t>(uintptr_t(0x1000) + kHandleStep * unsigned(device));
}

double now_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

thread_local cudaError_t Runtime::last_error_ = cudaSuccess;
thread_local int Runtime::current_device_ = 0;

Runtime& Runtime::get() {
  static auto* runtime = new Runtime;  // never destroyed: static objects may free device memory at exit
  return *runtime;
}

Runtime::Runtime() : random(options().seed), next_handle_(kFirstHandle) {
  for (int d = 0; d < options().devices; ++d) streams_[default_handle(d)].device = d;
}

Stream* Runtime::find(cudaStream_t stream) {
  if (stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread)
    stream = default_handle(current_device_);
  auto it = streams_.find(stream);
  return it == streams_.end() ? nullptr : &it->second;
}

Stream& Runtime::default_stream() { return streams_.at(default_handle(current_device_)); }

cudaStream_t Runtime::create_stream(bool blocking) {
  auto* handle = reinterpret_cast<cudaStream_t>(next_handle_ += kHandleStep);
  Stream& stream = streams_[handle];
  stream.blocking = blocking;
  stream.device = current_device_;
  return handle;
}

cudaError_t Runtime::destroy(cudaStream_t stream) {
  auto it = streams_.find(stream);
  if (it == streams_.end()) return cudaErrorInvalidResourceHandle;
  drive([&] { return it->second.queue.empty(); });
  streams_.erase(it);
  return cudaSuccess;
}

cudaError_t Runtime::submit(cudaStream_t handle, Work work) {
  Stream* stream = find(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (stream->capture) return capture_node(*stream, std::move(work));
  Stream& legacy = default_stream();
  std::vector<uint64_t> after;
  if (stream == &legacy) {
    for (auto& [other_handle, other] : streams_) {
      if (!other.blocking || other.device != stream->device) continue;
      if (other.capture) {
        other.capture->invalid = true;
        return cudaErrorStreamCaptureImplicit;
      }
      after.push_back(other.last);
    }
  } else if (stream->blocking) {
    after.push_back(legacy.last);
  }
  const uint64_t id = done_.size();
  done_.push_back(false);
  stream->last = id;
  stream->queue.push_back({id, std::move(after), std::move(work)});
  if (!options().lazy) drive([&] { return is_done(id); });
  return cudaSuccess;
}

// Runs the stream's next operation if it may run now.
bool Runtime::run_head(Stream& stream) {
  if (stream.queue.empty()) return false;
  for (const uint64_t before : stream.queue.front().after)
    if (!done_[before]) return false;
  const Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  if (failure_.error == cudaSuccess) fail(operation.run());
  done_[operation.id] = true;
  return true;
}

void Runtime::fail(Failure failure) {
  if (failure.error == cudaSuccess) return;
  failure_ = std::move(failure);
  std::fprintf(stderr, "emulated GPU: %s\n", failure_.message.c_str());
}

// Runs what waits, in an order that the streams allow, until `reached`.
void Runtime::drive(const std::function<bool()>& reached) {
  if (reached()) return;
  const DeviceAccess open;
  std::vector<Stream*> busy;
  while (!reached()) {
    busy.clear();
    for (auto& [handle, stream] : streams_)
      if (!stream.queue.empty()) busy.push_back(&stream);
    if (busy.empty()) return;
    std::shuffle(busy.begin(), busy.end(), random);
    if (std::none_of(busy.begin(), busy.end(), [&](Stream* stream) { return run_head(*stream); })) {
      std::fprintf(stderr, "emulated GPU: streams wait for each other in a circle\n");
      std::abort();
    }
  }
}

cudaError_t Runtime::synchronize(cudaStream_t handle) {
  Stream* stream = find(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (stream->capture) return refuse_during_capture();
  const uint64_t last = stream->last;
  drive([&] { return is_done(last); });
  return sticky();
}

cudaError_t Runtime::synchronize_device() {
  if (const cudaError_t error = refuse_during_capture()) return error;
  drive([&] {
    return std::all_of(streams_.begin(), streams_.end(),
                       [](const auto& s) { return s.second.queue.empty(); });
  });
  return sticky();
}

cudaEvent_t Runtime::create_event(bool timed) {
  auto* handle = reinterpret_cast<cudaEvent_t>(next_handle_ += kHandleStep);
  events_[handle].timed = timed;
  events_[handle].device = device();
  return handle;
}

Event* Runtime::find(cudaEvent_t event) {
  auto it = events_.find(event);
  return it == events_.end() ? nullptr : &it->second;
}

bool Runtime::destroy(cudaEvent_t event) { return events_.erase(event) > 0; }

cudaError_t Runtime::record(cudaEvent_t handle, cudaStream_t stream_handle) {
  Event* event = find(handle);
  Stream* stream = find(stream_handle);
  if (!event || !stream || event->device != stream->device) return cudaErrorInvalidResourceHandle;
  if (stream->capture) {
    event->capture = stream->capture;
    event->capture_nodes = stream->capture_tail;
    return cudaSuccess;
  }
  event->capture.reset();
  event->milliseconds = std::make_shared<double>(0);
  const cudaError_t error = submit(stream_handle, [time = event->milliseconds] {
    *time = now_ms();
    return no_failure();
  });
  if (error == cudaSuccess) event->operation = stream->last;
  return error;
}

cudaError_t Runtime::wait(cudaStream_t stream_handle, cudaEvent_t handle) {
  Event* event = find(handle);
  Stream* stream = find(stream_handle);
  if (!event || !stream) return cudaErrorInvalidResourceHandle;
  if (const auto capture = event->capture.lock()) {
    if (stream->capture && stream->capture != capture) return cudaErrorStreamCaptureMerge;
    stream->capture = capture;
    auto& tail = stream->capture_tail;
    tail.insert(tail.end(), event->capture_nodes.begin(), event->capture_nodes.end());
    return cudaSuccess;
  }
  if (stream->capture) {
    stream->capture->invalid = true;
    return cudaErrorStreamCaptureIsolation;  // an event from outside of the capture
  }
  const cudaError_t error = submit(stream_handle, no_failure);
  // With streams that run at once the operation is done already, as is the event's.
  if (error == cudaSuccess && !stream->queue.empty()) stream->queue.back().after.push_back(event->operation);
  return error;
}

cudaError_t Runtime::synchronize(cudaEvent_t handle) {
  Event* event = find(handle);
  if (!event) return cudaErrorInvalidResourceHandle;
  if (!event->capture.expired()) return refuse_during_capture();
  const uint64_t operation = event->operation;
  drive([&] { return is_done(operation); });
  return sticky();
}

cudaError_t Runtime::remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error_ = error;
  return error;
}

cudaError_t Runtime::take_last_error() {
  const cudaError_t error = last_error_;
  last_error_ = sticky();
  return error;
}

void Runtime::reset_device() {
  for (auto& [handle, stream] : streams_) stream.queue.clear();
  done_.assign(done_.size(), true);
  failure_ = no_failure();
  last_error_ = cudaSuccess;
  release_all_devices();
}

Counters counters() { return Runtime::get().counters; }
void reset_counters() { Runtime::get().counters = {}; }

}  // namespace kiln::emulated
