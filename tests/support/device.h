#pragma once

#include <kiln/tensor/device/device.h>

namespace kiln::test {

// The device that the tests of this run work on: KILN_TEST_DEVICE, "cpu" when it is not set. It is the
// factories' device when a test case starts.
Device device();

// Back to another device for a scope.
class FactoryDevice {
 public:
  explicit FactoryDevice(Device device) : before_(factory_device()) { set_factory_device(device); }
  ~FactoryDevice() { set_factory_device(before_); }
  FactoryDevice(const FactoryDevice&) = delete;
  FactoryDevice& operator=(const FactoryDevice&) = delete;

 private:
  Device before_;
};

// Waits for the device: what its kernels have found wrong is thrown here.
void wait();

}  // namespace kiln::test
