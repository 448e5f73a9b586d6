#pragma once

#include <vector>

#include <kiln/kernels/base/cuda/divisor.h>
#include <kiln/kernels/base/operand.h>
#include <kiln/kernels/base/walk.h>

namespace kiln::kernels {

// The host's half of the elementwise kernels: where the elements of a result and of its operands lie. The
// result is operand 0.

// From the number of a unit (an element, or a pack of neighbours in the innermost dimension) to byte offsets.
struct ElementwiseMap {
  uint32_t units = 0;
  uint32_t tail = 0;                            // elements after the last whole pack; only where rank is 1
  int rank = 1;                                 // dimensions, the innermost first
  Divisor sizes[kMaxRank];                      // in units
  uint32_t strides[Walk::kOperands][kMaxRank];  // in bytes, from one unit to the next
};

// A box of elements that one launch takes: every offset in it fits 31 bits.
struct ElementwisePart {
  int operands = 0;
  int rank = 1;
  int64_t sizes[kMaxRank];                     // the innermost first
  int64_t strides[Walk::kOperands][kMaxRank];  // in bytes
  char* data[Walk::kOperands];

  explicit ElementwisePart(const Walk& walk);
  int64_t count() const;
  // Whether packs of `width` elements can be used: dense along the innermost dimension, or repeated there
  // (operands other than the result), with every pack aligned. `element` has the operands' sizes in bytes.
  bool packs(int width, const int64_t* element) const;
  bool repeats(int operand) const { return strides[operand][0] == 0; }
  // The operand is a number: it has no memory.
  void forget(int operand);
  ElementwiseMap map(int width) const;
};

// The walk in parts, as few as possible: most often one, none when the result is empty.
std::vector<ElementwisePart> split(const Walk& walk);

// A dense tensor for an intermediate result.
Tensor empty_on(const CudaContext& ctx, const Shape& shape, DType dtype);

// The operand itself, or a converted copy where it is a tensor of another type.
Operand converted(CudaContext& ctx, const Operand& operand, DType type, Tensor& copy);

}  // namespace kiln::kernels
