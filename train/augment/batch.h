#pragma once

#include <vector>

#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/tensor.h>

namespace kiln::train {

struct BatchAugmentOptions {
  Pair crop = 0;          // a window of this size of the padded images; 0: none
  int64_t padding = 0;    // zeros on each side before the crop
  double flip = 0;        // probability of mirroring left and right
  double brightness = 0;  // factors from max(0, 1 - b) to 1 + b
  double contrast = 0;
  double erasing = 0;                        // probability of zeros in a window of 2 to 33 % of the area
  std::vector<float> mean = {0}, std = {1};  // at the end (x - mean) / std: one value, or one a channel
  uint64_t seed = 0;
};

// What a loader's transforms do to images, for a whole batch on its device: crop, flip, brightness, contrast,
// normalisation, erasing, in this order. Where decoding is not the bottleneck it leaves the CPU to the
// loader. Each image's changes are a function of (seed, epoch, sample), so batches may be of any size and
// order.
//
//     const train::BatchAugment augment({.crop = 32, .padding = 4, .flip = 0.5, .brightness = 0.2});
//     const Tensor images = augment(batch.cuda(), epoch, {0, 1, 2, 3});
//
class BatchAugment {
 public:
  // Throws for sizes, probabilities and amounts that are not possible.
  explicit BatchAugment(BatchAugmentOptions options);
  // uint8 images [N,C,H,W] of 0 .. 255, or floating ones of 0 .. 1; float32 of 0 .. 1 before mean and std.
  // samples[i] is the number of image i. Nothing is recorded.
  Tensor operator()(const Tensor& images, int64_t epoch, const std::vector<int64_t>& samples) const;

 private:
  BatchAugmentOptions options_;
};

}  // namespace kiln::train
