#pragma once

// Internal.

#include <kiln/tensor/device/device.h>

namespace kiln::data::detail {

// What datasets and transforms make without naming a device is on the CPU for this scope.
class FactoriesOnCpu {
 public:
  FactoriesOnCpu() : before_(factory_device()) {
    if (!before_.is_cpu()) set_factory_device(cpu);
  }
  ~FactoriesOnCpu() {
    if (!before_.is_cpu()) set_factory_device(before_);
  }
  FactoriesOnCpu(const FactoriesOnCpu&) = delete;
  FactoriesOnCpu& operator=(const FactoriesOnCpu&) = delete;

 private:
  Device before_;
};

}  // namespace kiln::data::detail
