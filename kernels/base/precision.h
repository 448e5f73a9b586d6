#pragma once

#include <cstdint>

namespace kiln {

// How products of float32 may be computed on a GPU, in matmul and in convolutions; sums are float32 either
// way. The CPU computes in float32 always.
enum class Float32Precision : uint8_t {
  highest,  // in float32
  high,     // in TF32, with 10 bits behind the point, on tensor cores: several times faster
  medium,   // matmul in bfloat16, with 7 bits; convolutions in TF32
};

// For all threads, from the next op on; highest at first. PyTorch's name, but it holds for convolutions too.
void set_float32_matmul_precision(Float32Precision precision);
Float32Precision float32_matmul_precision();

}  // namespace kiln
