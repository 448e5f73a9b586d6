#pragma once

#include <cstdint>

#include <kiln/tensor/device/device.h>

// CUDA's own names, so that this header needs none of CUDA's.
struct CUstream_st;
struct CUevent_st;

namespace kiln::cuda {

class Event;

// A queue of work on a device: what is in one runs in order, several run beside each other. The work that a
// thread submits goes to its current stream, the main one of the device unless a StreamGuard says otherwise.
// A Stream is taken from a pool and goes back to it, with the work it may still have; handles are never
// destroyed.
class Stream {
 public:
  explicit Stream(Device device = DeviceType::cuda);
  // The thread's current stream of the device; belongs to nobody.
  static Stream current(Device device = DeviceType::cuda);
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream();

  Device device() const { return device_; }
  CUstream_st* handle() const { return handle_; }  // a cudaStream_t

  // The host waits until all work submitted so far is done. Throws what a kernel did wrong.
  void synchronize() const;
  bool is_done() const;
  // Work submitted from now on comes after what the event recorded; the host does not wait.
  void wait(const Event& event) const;
  void wait(const Stream& other) const;

 private:
  Stream(Device device, CUstream_st* handle, bool owned) : device_(device), handle_(handle), owned_(owned) {}

  Device device_;
  CUstream_st* handle_ = nullptr;
  bool owned_ = false;
};

// A place in a stream.
class Event {
 public:
  // Only timed events can tell milliseconds.
  explicit Event(bool timed = false) : timed_(timed) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  // The end of what has been submitted to the stream.
  void record(const Stream& stream);
  void record() { record(Stream::current()); }
  bool is_recorded() const { return handle_ != nullptr; }
  bool is_done() const;
  void synchronize() const;
  // Between two timed events of one device that are done.
  double milliseconds_since(const Event& start) const;

  CUevent_st* handle() const { return handle_; }  // a cudaEvent_t, nullptr before the first record

 private:
  bool timed_;
  Device device_;  // of the handle
  CUevent_st* handle_ = nullptr;
};

// While it lives, the thread's work on the stream's device goes to the stream. Memory that was allocated on
// another stream needs record_stream (<kiln/tensor/cuda/allocator.h>) before it is freed.
class StreamGuard {
 public:
  explicit StreamGuard(const Stream& stream);
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;
  ~StreamGuard();

 private:
  Device device_;
  CUstream_st* previous_;
};

// While it lives, `device` is this thread's current GPU.
class DeviceGuard {
 public:
  explicit DeviceGuard(Device device);
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;
  ~DeviceGuard();

 private:
  int previous_;
};

Device current_device();

// Waits for all work on the device. Throws what a kernel did wrong, naming the ops it may have been.
void synchronize(Device device = current_device());

}  // namespace kiln::cuda
