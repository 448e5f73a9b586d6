#pragma once

#include <initializer_list>

#include <kiln/kernels/base/operand.h>

namespace kiln::kernels {

// The one loop behind the elementwise kernels. An operation is a function over dense blocks in one compute
// type; what is strided, broadcast or of another type passes through blocks in the first-level cache. So an
// operation is compiled once a type, and only in the form that vectorises.

// out[i] = f(in[0][i], in[1][i], ...) for n elements. `out` may be one of the inputs.
using BlockRun = void (*)(const void* const* in, void* out, int64_t n, const void* parameters);

struct Elementwise {
  DType compute;  // of the inputs
  DType result;   // of the output, before it is converted to y's type
  BlockRun run;
  const void* parameters = nullptr;
  // Give `run` whole vectors only (multiples of 16 elements, padded). For functions whose scalar and vector
  // versions differ in the last bit: a value is then the same wherever in a tensor it stands.
  bool whole_vectors = false;
};

// y = f(operands), at most three of them. The compute type must convert from each operand's type.
void elementwise(CpuContext&, const char* op, const Elementwise& f, TensorView y,
                 std::initializer_list<Operand> operands);

}  // namespace kiln::kernels
