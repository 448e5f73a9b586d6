#pragma once

// Internal: the operations of policies.

#include <kiln/data/augment/policy.h>
#include <kiln/image/move/movement.h>

namespace kiln::data {

// In the order of torchvision's lists; identity is missing in AutoAugment, invert in the others.
enum class PolicyOp : uint8_t {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize,
  invert
};
inline constexpr int kPolicyOps = 14;  // from identity to equalize

struct PolicyStep {
  PolicyOp op;
  double magnitude = 0;
};

// How far the magnitudes of the operations go. Each has `bins` of them, evenly from none to the most.
struct PolicySpace {
  double shear, translate_x, translate_y, rotate, factor;
  int posterize;  // bits that may go
  int bins;

  double magnitude(PolicyOp op, int bin) const;
};
// Its magnitude may as well be negative.
bool is_signed(PolicyOp op);

// Its movement, where it moves pixels.
bool moves(PolicyOp op);
image::Movement movement_of(const PolicyStep& step, Pair size, const PolicyOptions& options);
Tensor recolour(const PolicyStep& step, const Tensor& image);

}  // namespace kiln::data
