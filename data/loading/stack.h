#pragma once

// Internal: memory of batches, and samples copied into it.

#include <kiln/data/batch.h>

namespace kiln::data::detail {

// Where the tensors of a batch are made.
struct BatchMemory {
  MemoryFormat format = MemoryFormat::contiguous;  // of 4-D floating tensors
  bool pinned = false;

  // Tensor `part` of the batch, of that many samples, uninitialised. Its old memory is used again where it
  // has the right size and nobody else holds it.
  Tensor& make(Batch& batch, size_t part, int64_t count, DType dtype, const Shape& sample) const;
  // A tensor that somebody else made, where batches belong.
  Tensor moved(const Tensor& x) const;

 private:
  Ref<Storage> allocate(int64_t bytes) const;
};

// The address of sample `i` in a tensor of a batch, and the strides of its elements.
char* part_of(const Tensor& tensor, int64_t i);
Strides inner_strides(const Tensor& tensor);

// Copies samples, one after the other, into the tensors of a batch, which the first one decides.
class Stacker {
 public:
  Stacker(const BatchMemory& memory, Batch& batch, int64_t count)
      : memory_(memory), batch_(batch), count_(count) {}

  // `number` is how messages call the sample. Throws when it does not agree with the first.
  void add(const Sample& sample, int64_t number);

 private:
  void begin(const Sample& sample, int64_t number);

  const BatchMemory& memory_;
  Batch& batch_;
  int64_t count_, at_ = 0, first_ = 0;
  std::vector<Strides> strides_;
};

}  // namespace kiln::data::detail
