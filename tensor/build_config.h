#pragma once

// The one place where the preprocessor asks whether CUDA is built; everything else uses `if constexpr
// (kCudaBuilt)`.

namespace kiln {

#ifdef KILN_CUDA
inline constexpr bool kCudaBuilt = true;
#else
inline constexpr bool kCudaBuilt = false;
#endif

}  // namespace kiln
