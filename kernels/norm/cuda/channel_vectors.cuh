#pragma once

// For sources of kernels only: the vectors of a batch normalisation.

#include <kiln/kernels/norm/batch_norm.h>
#include <kiln/kernels/base/cuda/block_reduce.cuh>

#include <cmath>

namespace kiln::kernels::norm {

// Elements [channel, channel + kCount) of a vector: of its last ones, for nothing, in threads beyond. More
// than one are in packs of 16 bytes where its address allows it, and divide `channels`; threads of one
// threadIdx.x ask for the same, and all threads of a block for something.
template <int kCount, class Acc>
__device__ __forceinline__ void load_channels(const Acc* v, int64_t channel, int64_t channels,
                                              Acc (&to)[kCount]) {
  channel = min(channel, channels - kCount);
  constexpr int kWide = kCount * sizeof(Acc) >= 16 ? 16 / int(sizeof(Acc)) : 1;
  const bool aligned = kWide > 1 && reinterpret_cast<uintptr_t>(v) % 16 == 0;
  if (aligned && kCount == 2 * kWide && blockDim.x < kWarp) {
    // Half of it each for two rows of the warp: a sector is asked for once.
    const bool second = threadIdx.y % 2 != 0;
    const auto own =
        gpu::load(reinterpret_cast<const gpu::Pack<Acc, kWide>*>(v + channel + (second ? kWide : 0)));
    const auto other = shuffle_xor(own, int(blockDim.x));
#pragma unroll
    for (int e = 0; e < kWide; ++e) {
      to[e] = second ? other.at[e] : own.at[e];
      to[(e + kWide) % kCount] = second ? own.at[e] : other.at[e];
    }
  } else if (aligned) {
#pragma unroll
    for (int k = 0; k < kCount; k += kWide) {
      const auto pack = gpu::load(reinterpret_cast<const gpu::Pack<Acc, kWide>*>(v + channel + k));
#pragma unroll
      for (int e = 0; e < kWide; ++e) to[k + e] = pack.at[e];
    }
  } else {
#pragma unroll
    for (int k = 0; k < kCount; ++k) to[k] = v[channel + k];
  }
}

// The vectors of a normalisation on the device; weight and bias may be null.
template <class Acc>
struct Vectors {
  const Acc *mean, *rstd, *weight, *bias;
  Acc relu_max;
  explicit Vectors(const BatchNormVectors& v)
      : mean(v.mean.as<Acc>()),
        rstd(v.rstd.as<Acc>()),
        weight(v.weight.as<Acc>()),
        bias(v.bias.as<Acc>()),
        relu_max(Acc(v.relu_max)) {}
};

// (x - mean) * rstd * weight + bias as x * scale + shift, the same bits forward and backward.
template <class Acc, int kChannels>
struct ScaleShift {
  Acc mean[kChannels], rstd[kChannels], scale[kChannels], shift[kChannels];

  __device__ __forceinline__ ScaleShift(const Vectors<Acc>& v, int64_t channel, int64_t channels) {
    load_channels(v.mean, channel, channels, mean);
    load_channels(v.rstd, channel, channels, rstd);
    Acc weight[kChannels], bias[kChannels];
#pragma unroll
    for (int k = 0; k < kChannels; ++k) weight[k] = 1, bias[k] = 0;
    if (v.weight != nullptr) load_channels(v.weight, channel, channels, weight);
    if (v.bias != nullptr) load_channels(v.bias, channel, channels, bias);
#pragma unroll
    for (int k = 0; k < kChannels; ++k) {
      scale[k] = rstd[k] * weight[k];
      shift[k] = std::fma(-mean[k], scale[k], bias[k]);
    }
  }
  __device__ Acc operator()(Acc x, int k) const { return std::fma(x, scale[k], shift[k]); }
};

}  // namespace kiln::kernels::norm
