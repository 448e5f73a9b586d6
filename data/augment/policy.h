#pragma once

#include <kiln/data/transforms.h>
#include <kiln/image/interpolation.h>

// Policies of many operations, with torchvision's names, operations, magnitudes and probabilities. Images are
// uint8.

namespace kiln::data {

struct PolicyOptions {
  image::Interpolation interpolation = image::Interpolation::nearest;
  std::vector<float> fill = {0};  // where a moved image leaves nothing
};

// One operation with its magnitude, drawn.
struct PolicyStep;

// Draws operations and applies them; in data::Together masks and boxes follow those that move pixels.
class Policy : public Transform {
 public:
  Tensor apply(const Tensor& image, RandomStream& random) const final;
  void apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const final;

 protected:
  explicit Policy(PolicyOptions options) : options_(std::move(options)) {}
  // What happens to an image of this size.
  virtual std::vector<PolicyStep> draw(Pair size, RandomStream& random) const = 0;

 private:
  PolicyOptions options_;
};

struct RandAugmentOptions {
  int num_ops = 2, magnitude = 9, num_magnitude_bins = 31;
  PolicyOptions moved = {};
};

// num_ops of 14 operations, all of one magnitude (Cubuk et al., "RandAugment", 2019).
class RandAugment : public Policy {
 public:
  explicit RandAugment(const RandAugmentOptions& options = {});

 private:
  std::vector<PolicyStep> draw(Pair size, RandomStream& random) const override;

  RandAugmentOptions options_;
};

struct TrivialAugmentOptions {
  int num_magnitude_bins = 31;
  PolicyOptions moved = {};
};

// One of 14 operations, of a random magnitude in a wide range (Mueller and Hutter, "TrivialAugment", 2021).
class TrivialAugmentWide : public Policy {
 public:
  explicit TrivialAugmentWide(const TrivialAugmentOptions& options = {});

 private:
  std::vector<PolicyStep> draw(Pair size, RandomStream& random) const override;

  int bins_;
};

enum class AutoAugmentPolicy : uint8_t { imagenet, cifar10, svhn };

// One of the 25 pairs of operations that were found for a dataset (Cubuk et al., "AutoAugment", 2018).
class AutoAugment : public Policy {
 public:
  explicit AutoAugment(AutoAugmentPolicy policy = AutoAugmentPolicy::imagenet, PolicyOptions options = {});

 private:
  std::vector<PolicyStep> draw(Pair size, RandomStream& random) const override;

  AutoAugmentPolicy policy_;
};

}  // namespace kiln::data
