#include <kiln/data/augment/choose.h>

#include <algorithm>

#include <kiln/data/augment/draw.h>

namespace kiln::data {

RandomApply::RandomApply(std::vector<AnyTransform> steps, double probability)
    : steps_(std::move(steps)), probability_(checked_probability("RandomApply", probability)) {}

Tensor RandomApply::apply(const Tensor& image, RandomStream& random) const {
  return chance(probability_, random) ? steps_.apply(image, random) : image;
}

void RandomApply::apply_to(Sample& sample, RandomStream& random) const {
  if (chance(probability_, random)) steps_.apply_to(sample, random);
}

void RandomApply::apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const {
  if (chance(probability_, random)) steps_.apply_parts(sample, parts, random);
}

RandomChoice::RandomChoice(std::vector<AnyTransform> transforms, std::vector<double> weights)
    : transforms_(std::move(transforms)) {
  if (transforms_.empty()) fail("RandomChoice: there is nothing to choose from");
  if (!weights.empty() && weights.size() != transforms_.size())
    fail("RandomChoice: {} weights for {} transforms", weights.size(), transforms_.size());
  double sum = 0;
  for (size_t i = 0; i < transforms_.size(); ++i) {
    if (!transforms_[i]) fail("RandomChoice: transform {} is empty", i);
    const double weight = weights.empty() ? 1 : weights[i];
    if (!(weight >= 0) || !std::isfinite(weight)) fail("RandomChoice: weight {} is not possible", weight);
    ends_.push_back(sum += weight);
  }
  if (!(sum > 0)) fail("RandomChoice: all weights are 0");
}

const Transform& RandomChoice::choose(RandomStream& random) const {
  const double place = random.uniform_double() * ends_.back();
  const size_t chosen = size_t(std::upper_bound(ends_.begin(), ends_.end(), place) - ends_.begin());
  return *transforms_[std::min(chosen, transforms_.size() - 1)];
}

Tensor RandomChoice::apply(const Tensor& image, RandomStream& random) const {
  return choose(random).apply(image, random);
}

void RandomChoice::apply_to(Sample& sample, RandomStream& random) const {
  choose(random).apply_to(sample, random);
}

void RandomChoice::apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const {
  choose(random).apply_parts(sample, parts, random);
}

}  // namespace kiln::data
