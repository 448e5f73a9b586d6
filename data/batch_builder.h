#pragma once

// Internal: how samples become a batch.

#include <optional>
#include <span>

#include <kiln/data/batch.h>
#include <kiln/data/dataset.h>
#include <kiln/data/image.h>
#include <kiln/data/transforms.h>

namespace kiln::data {

// Gathers, transforms and stacks. 4-D batches of floats are in the given memory format. Any thread may call
// build().
class BatchBuilder {
 public:
  BatchBuilder(AnyDataset dataset, AnyTransform transform, uint64_t seed, MemoryFormat format);

  // Fills `batch`; its old memory is used again where it has the right size and nobody else holds it. Throws
  // an Error that names the sample.
  void build(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const;

 private:
  void gather(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const;
  void gather_images(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const;
  void stack(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const;
  // The tensor that part `part` of a batch goes to.
  Tensor& make_part(Batch& batch, size_t part, int64_t count, DType dtype, const Shape& sample) const;

  AnyDataset dataset_;
  AnyTransform transform_;
  uint64_t seed_;
  MemoryFormat format_;
  std::optional<FusedTransform> fused_;
};

}  // namespace kiln::data
