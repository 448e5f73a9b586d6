#pragma once

#include <mutex>

#include "options.h"
#include "runtime.h"

namespace kiln::emulated {

// What every function of the runtime that uses a device does: takes the lock, refuses without a device or
// after a failure that stays, remembers the error.
template <class F>
cudaError_t api(F&& body) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  if (options().devices == 0) return runtime.remember(cudaErrorNoDevice);
  if (runtime.sticky() != cudaSuccess) return runtime.remember(runtime.sticky());
  return runtime.remember(body(runtime));
}

void set_dynamic_shared_limit(const void* kernel, int bytes);
int dynamic_shared_limit(const void* kernel);

}  // namespace kiln::emulated
