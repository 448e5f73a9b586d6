#pragma once

#include <span>

#include <kiln/tensor/device/context.h>

namespace kiln::kernels {

// Stretches of memory that do not overlap.
struct FlatCopy {
  void* to;
  const void* from;
  int64_t bytes;
};

// Copies them all, on CUDA by one launch for up to 96 of them. Reads and writes each byte once.
void flat_copy(CpuContext&, std::span<const FlatCopy> copies);
void flat_copy(CudaContext&, std::span<const FlatCopy> copies);

}  // namespace kiln::kernels
