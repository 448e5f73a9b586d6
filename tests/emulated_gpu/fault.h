#pragma once

namespace kiln::emulated {

// Sees to it that a touch of device memory is explained: by host code, with a line on standard error before
// the process dies; by a kernel, as the error of its launch (cudaErrorIllegalAddress). Cheap to call again:
// test frameworks put handlers of their own in between.
void watch_faults();

}  // namespace kiln::emulated
