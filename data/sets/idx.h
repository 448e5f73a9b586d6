#pragma once

#include <string>

#include <kiln/tensor/tensor.h>

namespace kiln::data {

// The tensor of an IDX file (the format of the MNIST files: magic 0 0 type rank, big-endian sizes and
// elements), plain or compressed by gzip, whichever its content says. Types: uint8, int8, int16, int32,
// float32, float64. Throws an Error that names the file when it is missing, cut short, damaged or followed by
// other bytes.
Tensor read_idx(const std::string& path);

}  // namespace kiln::data
