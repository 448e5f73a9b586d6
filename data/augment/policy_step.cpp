#include <kiln/data/augment/policy_step.h>

#include <cmath>
#include <numbers>

#include <kiln/image/colour/colour.h>

namespace kiln::data {

double PolicySpace::magnitude(PolicyOp op, int bin) const {
  const double share = double(bin) / double(bins - 1);
  switch (op) {
    case PolicyOp::shear_x:
    case PolicyOp::shear_y:
      return shear * share;
    case PolicyOp::translate_x:
      return translate_x * share;
    case PolicyOp::translate_y:
      return translate_y * share;
    case PolicyOp::rotate:
      return rotate * share;
    case PolicyOp::brightness:
    case PolicyOp::color:
    case PolicyOp::contrast:
    case PolicyOp::sharpness:
      return factor * share;
    case PolicyOp::posterize:
      return 8 - std::nearbyint(double(posterize) * share);
    case PolicyOp::solarize:
      return 255 * (1 - share);
    default:
      return 0;
  }
}

bool is_signed(PolicyOp op) { return op >= PolicyOp::shear_x && op <= PolicyOp::sharpness; }

bool moves(PolicyOp op) { return op >= PolicyOp::shear_x && op <= PolicyOp::rotate; }

image::Movement movement_of(const PolicyStep& step, Pair size, const PolicyOptions& options) {
  if (step.op == PolicyOp::rotate)
    return image::rotate_movement(size, step.magnitude,
                                  {.interpolation = options.interpolation, .fill = options.fill});
  image::AffineParameters affine;
  image::AffineOptions how{options.interpolation, options.fill, {}};
  const double degrees = std::atan(step.magnitude) * 180 / std::numbers::pi;
  if (step.op == PolicyOp::shear_x || step.op == PolicyOp::shear_y) {
    affine.shear[step.op == PolicyOp::shear_x ? 0 : 1] = degrees;
    how.center = image::Point{0, 0};
  }
  if (step.op == PolicyOp::translate_x) affine.translate[0] = std::trunc(step.magnitude);
  if (step.op == PolicyOp::translate_y) affine.translate[1] = std::trunc(step.magnitude);
  return image::affine_movement(size, affine, how);
}

Tensor recolour(const PolicyStep& step, const Tensor& image) {
  switch (step.op) {
    case PolicyOp::brightness:
      return image::adjust_brightness(image, 1 + step.magnitude);
    case PolicyOp::color:
      return image::adjust_saturation(image, 1 + step.magnitude);
    case PolicyOp::contrast:
      return image::adjust_contrast(image, 1 + step.magnitude);
    case PolicyOp::sharpness:
      return image::adjust_sharpness(image, 1 + step.magnitude);
    case PolicyOp::posterize:
      return image::posterize(image, int(step.magnitude));
    case PolicyOp::solarize:
      return image::solarize(image, step.magnitude);
    case PolicyOp::autocontrast:
      return image::autocontrast(image);
    case PolicyOp::equalize:
      return image::equalize(image);
    case PolicyOp::invert:
      return image::invert(image);
    default:
      return image;
  }
}

}  // namespace kiln::data
