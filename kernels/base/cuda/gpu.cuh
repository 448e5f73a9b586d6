#pragma once

// The dialect that kernels are written in. nvcc compiles it to plain CUDA; the C++ compiler, against CUDA's
// own headers, to code that runs on the emulated device (docs/cuda-without-a-gpu.md). One source, no #if.
//
// Kernels use CUDA's names for what both compilers know: __global__, __device__, __launch_bounds__, threadIdx
// and company, __syncthreads, __syncwarp, the _sync shuffles and votes, atomics, __ldg, the maths functions,
// __half and __nv_bfloat16 with their operators and conversions. Instead of what has its own grammar in CUDA
// they use this (namespace kiln::gpu, from <gpu_target.cuh>); and where blocks wait for each other, what
// <gpu_grid.cuh> has, which a kernel includes for itself: sync_grid, launch_cooperative.
//
//     gpu::launch(kernel, {.grid = blocks, .block = 256, .stream = s}, x, y, n);  // kernel<<<...>>>(x, y, n)
//
// Returns the cudaError_t of the launch. `shared_bytes` is dynamic shared memory; above 48 KiB the launch
// opts in by itself. Arguments are converted to the types of the kernel's parameters. A kernel that is a
// template is named with its arguments: launch(copy_kernel<float>, ...). `where` is not to be set.
//
//     auto& tile = gpu::shared<float[32][33]>();  // __shared__ float tile[32][33]
//
// One object a type and block: a second array of the same type needs a tag, of any type, which may be
// declared on the spot: gpu::shared<float[256], struct Weights>(). Uninitialised; T must be trivial. A helper
// that keeps scratch of its own gets the same memory in each of its calls in one kernel, so it starts with
// __syncthreads().
//
//     float* rows = gpu::dynamic_shared<float>();  // extern __shared__ float rows[]
//
// Aligned to 16 bytes.
//
//     gpu::Pack<float, 4> v = gpu::load(p);
//     gpu::store(q, v);  // float4 by reinterpret_cast
//
// One access of sizeof(T) bytes, up to 16; the address must be aligned to it. load_cached goes through the
// read-only cache; load_streaming and store_streaming mark data that is not used again. Use them for every
// wide access: the emulator sees one access, as the GPU does, and checks its alignment.
//
// Rules that the compilers cannot check: at most one barrier or warp collective on a source line (the
// emulator knows them by line); no inline PTX; no __CUDA_ARCH__; parameters by value; no bare __shared__ (it
// does not compile in the emulated build).

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace kiln::gpu {

// N elements that move as one.
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  static constexpr int size = N;
  T at[N];
  __host__ __device__ T& operator[](int i) { return at[i]; }
  __host__ __device__ const T& operator[](int i) const { return at[i]; }
};

inline constexpr unsigned kFullWarp = 0xffffffffu;  // the mask of all lanes

}  // namespace kiln::gpu

#include <gpu_target.cuh>
