#include <array>

#include <kiln/data/augment/draw.h>
#include <kiln/data/augment/policy_step.h>

namespace kiln::data {
namespace {

// An operation, how likely it is, and its magnitude out of ten.
struct Entry {
  PolicyOp op;
  double probability;
  int bin;
};
using Pairs = std::array<std::array<Entry, 2>, 25>;
using O = PolicyOp;

// The policies of the paper's appendix, as torchvision has them.
constexpr Pairs kImageNet = {{
    {{{O::posterize, 0.4, 8}, {O::rotate, 0.6, 9}}},  {{{O::solarize, 0.6, 5}, {O::autocontrast, 0.6, 0}}},
    {{{O::equalize, 0.8, 0}, {O::equalize, 0.6, 0}}}, {{{O::posterize, 0.6, 7}, {O::posterize, 0.6, 6}}},
    {{{O::equalize, 0.4, 0}, {O::solarize, 0.2, 4}}}, {{{O::equalize, 0.4, 0}, {O::rotate, 0.8, 8}}},
    {{{O::solarize, 0.6, 3}, {O::equalize, 0.6, 0}}}, {{{O::posterize, 0.8, 5}, {O::equalize, 1, 0}}},
    {{{O::rotate, 0.2, 3}, {O::solarize, 0.6, 8}}},   {{{O::equalize, 0.6, 0}, {O::posterize, 0.4, 6}}},
    {{{O::rotate, 0.8, 8}, {O::color, 0.4, 0}}},      {{{O::rotate, 0.4, 9}, {O::equalize, 0.6, 0}}},
    {{{O::equalize, 0, 0}, {O::equalize, 0.8, 0}}},   {{{O::invert, 0.6, 0}, {O::equalize, 1, 0}}},
    {{{O::color, 0.6, 4}, {O::contrast, 1, 8}}},      {{{O::rotate, 0.8, 8}, {O::color, 1, 2}}},
    {{{O::color, 0.8, 8}, {O::solarize, 0.8, 7}}},    {{{O::sharpness, 0.4, 7}, {O::invert, 0.6, 0}}},
    {{{O::shear_x, 0.6, 5}, {O::equalize, 1, 0}}},    {{{O::color, 0.4, 0}, {O::equalize, 0.6, 0}}},
    {{{O::equalize, 0.4, 0}, {O::solarize, 0.2, 4}}}, {{{O::solarize, 0.6, 5}, {O::autocontrast, 0.6, 0}}},
    {{{O::invert, 0.6, 0}, {O::equalize, 1, 0}}},     {{{O::color, 0.6, 4}, {O::contrast, 1, 8}}},
    {{{O::equalize, 0.8, 0}, {O::equalize, 0.6, 0}}},
}};

constexpr Pairs kCifar10 = {{
    {{{O::invert, 0.1, 0}, {O::contrast, 0.2, 6}}},
    {{{O::rotate, 0.7, 2}, {O::translate_x, 0.3, 9}}},
    {{{O::sharpness, 0.8, 1}, {O::sharpness, 0.9, 3}}},
    {{{O::shear_y, 0.5, 8}, {O::translate_y, 0.7, 9}}},
    {{{O::autocontrast, 0.5, 0}, {O::equalize, 0.9, 0}}},
    {{{O::shear_y, 0.2, 7}, {O::posterize, 0.3, 7}}},
    {{{O::color, 0.4, 3}, {O::brightness, 0.6, 7}}},
    {{{O::sharpness, 0.3, 9}, {O::brightness, 0.7, 9}}},
    {{{O::equalize, 0.6, 0}, {O::equalize, 0.5, 0}}},
    {{{O::contrast, 0.6, 7}, {O::sharpness, 0.6, 5}}},
    {{{O::color, 0.7, 7}, {O::translate_x, 0.5, 8}}},
    {{{O::equalize, 0.3, 0}, {O::autocontrast, 0.4, 0}}},
    {{{O::translate_y, 0.4, 3}, {O::sharpness, 0.2, 6}}},
    {{{O::brightness, 0.9, 6}, {O::color, 0.2, 8}}},
    {{{O::solarize, 0.5, 2}, {O::invert, 0, 0}}},
    {{{O::equalize, 0.2, 0}, {O::autocontrast, 0.6, 0}}},
    {{{O::equalize, 0.2, 0}, {O::equalize, 0.6, 0}}},
    {{{O::color, 0.9, 9}, {O::equalize, 0.6, 0}}},
    {{{O::autocontrast, 0.8, 0}, {O::solarize, 0.2, 8}}},
    {{{O::brightness, 0.1, 3}, {O::color, 0.7, 0}}},
    {{{O::solarize, 0.4, 5}, {O::autocontrast, 0.9, 0}}},
    {{{O::translate_y, 0.9, 9}, {O::translate_y, 0.7, 9}}},
    {{{O::autocontrast, 0.9, 0}, {O::solarize, 0.8, 3}}},
    {{{O::equalize, 0.8, 0}, {O::invert, 0.1, 0}}},
    {{{O::translate_y, 0.7, 9}, {O::autocontrast, 0.9, 0}}},
}};

constexpr Pairs kSvhn = {{
    {{{O::shear_x, 0.9, 4}, {O::invert, 0.2, 0}}},       {{{O::shear_y, 0.9, 8}, {O::invert, 0.7, 0}}},
    {{{O::equalize, 0.6, 0}, {O::solarize, 0.6, 6}}},    {{{O::invert, 0.9, 0}, {O::equalize, 0.6, 0}}},
    {{{O::equalize, 0.6, 0}, {O::rotate, 0.9, 3}}},      {{{O::shear_x, 0.9, 4}, {O::autocontrast, 0.8, 0}}},
    {{{O::shear_y, 0.9, 8}, {O::invert, 0.4, 0}}},       {{{O::shear_y, 0.9, 5}, {O::solarize, 0.2, 6}}},
    {{{O::invert, 0.9, 0}, {O::autocontrast, 0.8, 0}}},  {{{O::equalize, 0.6, 0}, {O::rotate, 0.9, 3}}},
    {{{O::shear_x, 0.9, 4}, {O::solarize, 0.3, 3}}},     {{{O::shear_y, 0.8, 8}, {O::invert, 0.7, 0}}},
    {{{O::equalize, 0.9, 0}, {O::translate_y, 0.6, 6}}}, {{{O::invert, 0.9, 0}, {O::equalize, 0.6, 0}}},
    {{{O::contrast, 0.3, 3}, {O::rotate, 0.8, 4}}},      {{{O::invert, 0.8, 0}, {O::translate_y, 0, 2}}},
    {{{O::shear_y, 0.7, 6}, {O::solarize, 0.4, 8}}},     {{{O::invert, 0.6, 0}, {O::rotate, 0.8, 4}}},
    {{{O::shear_y, 0.3, 7}, {O::translate_x, 0.9, 3}}},  {{{O::shear_x, 0.1, 6}, {O::invert, 0.6, 0}}},
    {{{O::solarize, 0.7, 2}, {O::translate_y, 0.6, 7}}}, {{{O::shear_y, 0.8, 4}, {O::invert, 0.8, 0}}},
    {{{O::shear_x, 0.7, 9}, {O::translate_y, 0.8, 3}}},  {{{O::shear_y, 0.8, 5}, {O::autocontrast, 0.7, 0}}},
    {{{O::shear_x, 0.7, 2}, {O::invert, 0.1, 0}}},
}};

const Pairs& pairs_of(AutoAugmentPolicy policy) {
  switch (policy) {
    case AutoAugmentPolicy::imagenet:
      return kImageNet;
    case AutoAugmentPolicy::cifar10:
      return kCifar10;
    default:
      return kSvhn;
  }
}

}  // namespace

AutoAugment::AutoAugment(AutoAugmentPolicy policy, PolicyOptions options)
    : Policy(std::move(options)), policy_(policy) {}

std::vector<PolicyStep> AutoAugment::draw(Pair size, RandomStream& random) const {
  const PolicySpace space = {.shear = 0.3,
                             .translate_x = 150.0 / 331.0 * double(size.w),
                             .translate_y = 150.0 / 331.0 * double(size.h),
                             .rotate = 30,
                             .factor = 0.9,
                             .posterize = 4,
                             .bins = 10};
  std::vector<PolicyStep> steps;
  for (const Entry& entry : pairs_of(policy_)[size_t(random.below(25))]) {
    const bool applies = chance(entry.probability, random), negative = random.below(2) == 1;
    if (!applies) continue;
    const double magnitude = space.magnitude(entry.op, entry.bin);
    steps.push_back({entry.op, negative && is_signed(entry.op) ? -magnitude : magnitude});
  }
  return steps;
}

}  // namespace kiln::data
