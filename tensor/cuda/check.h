#pragma once

// Internal: errors of the CUDA runtime become kiln::Error.

#include <cuda_runtime_api.h>

namespace kiln::cuda {

// Throws with the expression, CUDA's name of the error and its meaning. An error of a kernel shows up late,
// in whatever call comes next, so the message names the ops that may be meant: those launched since the last
// synchronisation.
[[noreturn]] void throw_failed(cudaError_t error, const char* expression, const char* file, int line);
// The same to stderr, for where nothing may be thrown; silent when the process is already ending.
void report_failed(cudaError_t error, const char* expression, const char* file, int line) noexcept;

// Remembers that `op` (a string literal) was launched; called before each kernel.
void note_launch(const char* op);
// Throws when the launch of a kernel of `op` failed. With CUDA_LAUNCH_BLOCKING=1 it waits for the kernel too,
// so that what went wrong in it is found at once.
void check_launch(cudaError_t error, const char* op, cudaStream_t stream);
// What was launched is done; called where the host has waited for a device.
void note_synchronized();

}  // namespace kiln::cuda

// CUDA_CHECK(cudaMemsetAsync(...)) throws; CUDA_CHECK_NOTHROW reports, for destructors.
#define CUDA_CHECK(expression)                                                            \
  if (const cudaError_t cuda_check_error = (expression); cuda_check_error != cudaSuccess) \
  ::kiln::cuda::throw_failed(cuda_check_error, #expression, __FILE__, __LINE__)
#define CUDA_CHECK_NOTHROW(expression)                                                    \
  if (const cudaError_t cuda_check_error = (expression); cuda_check_error != cudaSuccess) \
  ::kiln::cuda::report_failed(cuda_check_error, #expression, __FILE__, __LINE__)
