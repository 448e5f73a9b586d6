#pragma once

// Internal.

// The one place where the preprocessor asks whether CUDA is built; everything else uses `if constexpr
// (kCudaBuilt)`.

namespace kiln {

#ifdef KILN_CUDA
inline constexpr bool kCudaBuilt = true;
#else
inline constexpr bool kCudaBuilt = false;
#endif

// True where the CUDA backend runs on the emulated device of tests/emulated_gpu.
#ifdef KILN_CUDA_EMULATED
inline constexpr bool kCudaEmulated = true;
#else
inline constexpr bool kCudaEmulated = false;
#endif

}  // namespace kiln

// Before a small function that kernels of both devices call: KILN_HOST_DEVICE inline float square(float x)
// {...}
#ifdef __CUDACC__
#define KILN_HOST_DEVICE __host__ __device__
#else
#define KILN_HOST_DEVICE
#endif
