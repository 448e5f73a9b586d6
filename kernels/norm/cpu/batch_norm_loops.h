#pragma once

// For batch_norm.cpp and batch_norm_backward.cpp.

#include <algorithm>

#include <kiln/kernels/base/cpu/lane_sum.h>
#include <kiln/kernels/base/cpu/parallel_rows.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/kernels/norm/batch_norm.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels::norm {

// Rows of channels are summed in chunks that stay in the first-level cache, and chunks in blocks, the unit of
// parallel work. Both sizes depend on the geometry only.
constexpr int64_t kChunkElements = 4096, kMinChunk = 8, kBlocks = 64;

struct Blocks {
  int64_t rows, chunk, size, count;

  explicit Blocks(const BatchNormGeometry& g)
      : rows(g.outer),
        chunk(std::max(kMinChunk, kChunkElements / std::max<int64_t>(1, g.channels))),
        size(std::max(chunk, (rows + kBlocks - 1) / kBlocks)),
        count((rows + size - 1) / size) {}
  int64_t begin(int64_t block) const { return block * size; }
  int64_t end(int64_t block) const { return std::min(rows, (block + 1) * size); }
};

// (x - mean) * rstd * weight + bias as x * scale + shift. Forward and backward compute the same bits.
template <class Acc>
struct ScaleShift {
  const Acc* mean;
  Acc relu_max;
  cpu::Scratch<Acc> scale, shift;

  ScaleShift(int64_t channels, const BatchNormVectors& v)
      : mean(v.mean.as<Acc>()), relu_max(Acc(v.relu_max)), scale(channels), shift(channels) {
    const Acc *rstd = v.rstd.as<Acc>(), *weight = v.weight.as<Acc>(), *bias = v.bias.as<Acc>();
    for (int64_t c = 0; c < channels; ++c) {
      scale[c] = weight == nullptr ? rstd[c] : rstd[c] * weight[c];
      shift[c] = (bias == nullptr ? Acc(0) : bias[c]) - mean[c] * scale[c];
    }
  }
};

// Calls f with the mask as a constant.
template <class F>
void with_mask(BatchNormMask mask, F&& f) {
  switch (mask) {
    case BatchNormMask::none:
      return f.template operator()<BatchNormMask::none>();
    case BatchNormMask::from_x:
      return f.template operator()<BatchNormMask::from_x>();
    case BatchNormMask::from_y:
      return f.template operator()<BatchNormMask::from_y>();
  }
}

}  // namespace kiln::kernels::norm
