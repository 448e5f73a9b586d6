#pragma once

#include <kiln/tensor/cuda/found_error.h>
#include <kiln/kernels/base/cuda/gpu.cuh>

namespace kiln::kernels {

// Tells the host, when it next waits, that the kernel met a bad value. `message` is a string literal of the
// host, passed to the kernel as an argument. Of all that one message reports the lowest place wins, so that
// the error is the same on every run; of several messages the first. Slow, and meant to be: nothing is wrong
// otherwise.
__device__ inline void report_found(cuda::FoundError* error, const char* message, int64_t value, int64_t at,
                                    int64_t last) {
  while (atomicCAS(&error->lock, 0, 1) != 0) {
  }
  __threadfence();
  volatile cuda::FoundError* place = error;
  const bool first = place->found == 0;
  if (first || (place->message == message && at < place->at)) {
    place->message = message;
    place->value = value;
    place->at = at;
    place->last = last;
    place->found = 1;
  }
  __threadfence();
  atomicExch(&error->lock, 0);
}

}  // namespace kiln::kernels
