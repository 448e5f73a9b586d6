#pragma once

// Internal: how samples become a batch.

#include <optional>
#include <span>

#include <kiln/data/batch.h>
#include <kiln/data/dataset.h>
#include <kiln/data/image.h>
#include <kiln/data/loader_options.h>
#include <kiln/data/loading/factories_on_cpu.h>
#include <kiln/data/loading/stack.h>

namespace kiln::data::detail {

// Gathers, transforms and collates. Any thread may call it; user code in it sees the CPU as the factories'
// device.
class BatchBuilder {
 public:
  // `dataset` may be null: then samples come from elsewhere.
  BatchBuilder(const Dataset* dataset, const LoaderOptions& options);

  // Fill `batch`; its old memory is used again where it has the right size and nobody else holds it. Throw an
  // Error that names the sample.
  void build(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const;
  // Of samples that were read already, and have these numbers.
  void build(int64_t epoch, std::span<const int64_t> numbers, std::vector<Sample>& samples,
             Batch& batch) const;

 private:
  void gather(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const;
  void gather_images(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const;
  // The last part of both: `get(i)` is sample i of them.
  template <class Get>
  void assemble(int64_t epoch, std::span<const int64_t> numbers, Batch& batch, Get&& get) const;
  void collate(std::span<const int64_t> numbers, std::vector<Sample>& samples, Batch& batch) const;
  void name(Batch& batch) const;

  const Dataset* dataset_;
  AnyTransform transform_;
  Collate collate_;
  std::vector<std::string> names_;
  uint64_t seed_;
  BatchMemory memory_;
  std::optional<FusedTransform> fused_;
};

}  // namespace kiln::data::detail
