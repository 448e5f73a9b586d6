#pragma once

#include <kiln/data/batch.h>
#include <kiln/tensor/base/function.h>

namespace kiln::data {

// Makes a batch of samples: its tensors and texts, the loader writes the rest. It may take what it wants out
// of the samples, whose tensors are on the CPU; several worker threads call it at the same time.
using Collate = Function<Batch(std::vector<Sample>&)>;

// What a loader does by itself: the tensors stacked, the texts side by side. Throws an Error that names both
// samples when their tensors do not agree in number, shape or dtype.
Batch default_collate(const std::vector<Sample>& samples);

struct PadOptions {
  std::vector<size_t> parts = {0};  // the tensors that are padded
  double value = 0;
};

// Pads those tensors [length, ...] at the end of their first dimension to the longest of the batch, [batch,
// longest, ...], and appends the lengths of each, int64 [batch], as further tensors; stacks the others.
// Throws for tensors that differ in more than their first size, and for a value that the dtype cannot hold.
Collate pad_collate(const PadOptions& options = {});

}  // namespace kiln::data
