#pragma once

#include <kiln/autograd/autocast.h>
#include <kiln/tensor/tensor.h>

// Internal, for op.cpp: what an Autocast does to the operands of an op.

namespace kiln {

enum class AutocastPolicy : uint8_t {
  none,           // the types that it gets
  low_precision,  // that of the Autocast
  wide,           // float32
};
// That of the op; the table is in autocast.cpp.
AutocastPolicy autocast_policy(const char* op);

// x in the type of the autocast, or in float32; x itself where it is float64 or not floating. A parameter is
// converted once (see Autocast).
Tensor in_autocast_type(const Tensor& x);
Tensor in_float32_type(const Tensor& x);

// While an op with a policy runs, its inner ops take the types that they get. Calls come in pairs.
void suspend_autocast(bool suspended);

}  // namespace kiln
