#pragma once

#include <cstdint>

namespace kiln::cuda {

// How many kernels, calls of cuDNN and cuBLASLt, and graphs this process has launched by now.
uint64_t launches();

}  // namespace kiln::cuda
