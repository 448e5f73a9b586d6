#pragma once

#include <cstdint>
#include <vector>

#include <kiln/tensor/base/box.h>
#include <kiln/tensor/device/device.h>

// Internal: times of a GPU, from events in its streams.

namespace kiln::profile {

class DeviceTimes {
 public:
  virtual ~DeviceTimes() = default;
  // Marks the end of the work that this thread has submitted to the device, and gives the mark's number, from
  // 0 up. -1 while a graph is captured: nothing runs then.
  virtual int64_t mark(Device device) = 0;
  // Nanoseconds of the clock `now()`, one for each mark. Waits for those that are not reached.
  virtual const std::vector<int64_t>& read() = 0;
  // Numbers begin from 0 again.
  virtual void clear() = 0;
};

// In profile/cuda, where CUDA is built.
Box<DeviceTimes> make_device_times();
void push_nvtx(const char* name);
void pop_nvtx();

// Nanoseconds of the host's steady clock.
int64_t now();

}  // namespace kiln::profile
