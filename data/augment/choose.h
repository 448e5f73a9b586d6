#pragma once

#include <kiln/data/transforms.h>

namespace kiln::data {

// All steps, one after the other, with the given probability; else none.
class RandomApply : public Transform {
 public:
  explicit RandomApply(std::vector<AnyTransform> steps, double probability = 0.5);
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  void apply_to(Sample& sample, RandomStream& random) const override;
  void apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const override;

 private:
  Compose steps_;
  double probability_;
};

// One of the transforms: each equally often, or as its weight says.
class RandomChoice : public Transform {
 public:
  explicit RandomChoice(std::vector<AnyTransform> transforms, std::vector<double> weights = {});
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  void apply_to(Sample& sample, RandomStream& random) const override;
  void apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const override;

 private:
  const Transform& choose(RandomStream& random) const;

  std::vector<AnyTransform> transforms_;
  std::vector<double> ends_;  // sums of the weights
};

}  // namespace kiln::data
