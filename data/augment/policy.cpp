#include <kiln/data/augment/policy.h>

#include <kiln/data/augment/draw.h>
#include <kiln/data/augment/parts.h>
#include <kiln/data/augment/policy_step.h>
#include <kiln/image/elements.h>

namespace kiln::data {
namespace {

PolicyStep drawn(PolicyOp op, double magnitude, RandomStream& random) {
  const bool negative = is_signed(op) && random.below(2) == 1;
  return {op, negative ? -magnitude : magnitude};
}

void check_bins(const char* policy, int bins) {
  if (bins < 2 || bins > 1 << 20) fail("{}: num_magnitude_bins must be at least 2, got {}", policy, bins);
}

}  // namespace

Tensor Policy::apply(const Tensor& image, RandomStream& random) const {
  image::check_pixels("policy", image, false);
  const Pair size = image::size_of_picture(image);
  Tensor x = image;
  for (const PolicyStep& step : draw(size, random))
    x = moves(step.op) ? movement_of(step, size, options_)(x) : recolour(step, x);
  return x;
}

void Policy::apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const {
  const auto image = [&]() -> Tensor& { return sample.tensors.at(size_t(parts.image)); };
  image::check_pixels("policy", image(), false);
  const Pair size = image::size_of_picture(image());
  for (const PolicyStep& step : draw(size, random)) {
    if (moves(step.op))
      move_parts(sample, parts, movement_of(step, size, options_));
    else
      image() = recolour(step, image());
  }
}

RandAugment::RandAugment(const RandAugmentOptions& options) : Policy(options.moved), options_(options) {
  check_bins("RandAugment", options.num_magnitude_bins);
  if (options.num_ops < 0) fail("RandAugment: num_ops must not be negative, got {}", options.num_ops);
  if (options.magnitude < 0 || options.magnitude >= options.num_magnitude_bins)
    fail("RandAugment: the magnitude {} is not one of {} bins", options.magnitude,
         options.num_magnitude_bins);
}

std::vector<PolicyStep> RandAugment::draw(Pair size, RandomStream& random) const {
  const PolicySpace space = {.shear = 0.3,
                             .translate_x = 150.0 / 331.0 * double(size.w),
                             .translate_y = 150.0 / 331.0 * double(size.h),
                             .rotate = 30,
                             .factor = 0.9,
                             .posterize = 4,
                             .bins = options_.num_magnitude_bins};
  std::vector<PolicyStep> steps;
  for (int i = 0; i < options_.num_ops; ++i) {
    const PolicyOp op = PolicyOp(random.below(kPolicyOps));
    steps.push_back(drawn(op, space.magnitude(op, options_.magnitude), random));
  }
  return steps;
}

TrivialAugmentWide::TrivialAugmentWide(const TrivialAugmentOptions& options)
    : Policy(options.moved), bins_(options.num_magnitude_bins) {
  check_bins("TrivialAugmentWide", bins_);
}

std::vector<PolicyStep> TrivialAugmentWide::draw(Pair, RandomStream& random) const {
  const PolicySpace space = {.shear = 0.99,
                             .translate_x = 32,
                             .translate_y = 32,
                             .rotate = 135,
                             .factor = 0.99,
                             .posterize = 6,
                             .bins = bins_};
  const PolicyOp op = PolicyOp(random.below(kPolicyOps));
  const double magnitude = space.magnitude(op, int(random.below(bins_)));
  return {drawn(op, magnitude, random)};
}

}  // namespace kiln::data
