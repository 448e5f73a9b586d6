#pragma once

#include <kiln/data/random_stream.h>
#include <kiln/tensor/tensor.h>

// Images and labels of a batch mixed with each other, on any device. Nothing is recorded.

namespace kiln::train {

struct Mixed {
  Tensor images;   // as they came
  Tensor targets;  // float32 [N,classes], each row with the sum 1: cross_entropy takes them
  double share;    // of each sample that is its own; the rest is its neighbour's
};

struct MixOptions {
  double alpha = 1;  // shares are drawn from Beta(alpha, alpha)
};

// Sample i with sample i - 1 (the first with the last), as torchvision mixes: `share` of one image and the
// rest of the other (Zhang et al., "mixup", 2017). Images [N,...] are floating, labels int64 [N]. In a
// training loop:
//
//     for (const data::Batch& part : loader.epoch(3)) {
//       data::RandomStream random = data::RandomStream::for_batch(7, part.epoch, part.index);
//       const train::Mixed mixed = train::mixup(part[0], part[1], 10, random);
//       train_on(mixed.images, mixed.targets);
//     }
//
Mixed mixup(const Tensor& images, const Tensor& labels, int64_t classes, data::RandomStream& random,
            const MixOptions& options = {});

// The neighbour's pixels in a random window of all images [N,C,H,W] of any type; the share is that of the
// area (Yun et al., "CutMix", 2019).
Mixed cutmix(const Tensor& images, const Tensor& labels, int64_t classes, data::RandomStream& random,
             const MixOptions& options = {});

// A number of Beta(alpha, beta).
double beta(double alpha, double beta, data::RandomStream& random);

}  // namespace kiln::train
