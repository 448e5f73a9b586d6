#include <kiln/image/move/movement.h>

#include <kiln/image/elements.h>
#include <kiln/image/move/flip.h>
#include <kiln/image/resize.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::image {
namespace {

// Half a turn and a shift: right becomes left, down up.
Projection mirrored(double x, double y) {
  Projection p;
  if (x > 0) p = Projection::moved(x, 0) * Projection::scaled(-1, 1);
  if (y > 0) p = Projection::moved(0, y) * Projection::scaled(1, -1) * p;
  return p;
}

// A view of the part that lies inside.
Tensor view(const Tensor& picture, const Window& w) {
  const Layout part = picture.layout().narrow(1, w.top, w.height).narrow(2, w.left, w.width);
  return from_storage(picture.impl()->storage, picture.dtype(), part);
}

Tensor resized(const Tensor& picture, Pair size, Interpolation how, const float* mask_fill) {
  if (mask_fill == nullptr && picture.dtype() == uint8)
    return resize(picture, Size{size.h, size.w}, {.interpolation = how});
  if (mask_fill == nullptr && how != Interpolation::nearest)
    fail("resize: pictures of {} are resized by nearest pixels only; resize before ToFloat()",
         picture.dtype());
  const Pair from = size_of_picture(picture);
  return warp(picture, Projection::scaled(double(from.w) / double(size.w), double(from.h) / double(size.h)),
              size);
}

Movement warp_movement(const Projection& back, Pair size, const WarpOptions& options) {
  return {[=](const Tensor& x, const float* mask_fill) {
            return warp(x, back, size, mask_fill == nullptr ? options : WarpOptions{.fill = {*mask_fill}});
          },
          back.inverse(), size};
}

}  // namespace

Tensor Movement::mask(const Tensor& mask, float fill) const {
  if (!pixels) return mask;
  if (mask.dim() != 2) return pixels(mask, &fill);
  const Tensor one = from_storage(mask.impl()->storage, mask.dtype(), mask.layout().unsqueeze(0));
  const Tensor moved = pixels(one, &fill);
  return from_storage(moved.impl()->storage, moved.dtype(), moved.layout().select(0, 0));
}

Movement unmoved(Pair size) { return {.size = size}; }

Movement hflip_movement(Pair picture) {
  return {[](const Tensor& x, const float*) { return hflip(x); }, mirrored(double(picture.w), 0), picture};
}

Movement vflip_movement(Pair picture) {
  return {[](const Tensor& x, const float*) { return vflip(x); }, mirrored(0, double(picture.h)), picture};
}

Movement rot90_movement(Pair picture, int64_t quarters) {
  const int64_t turns = ((quarters % 4) + 4) % 4;
  if (turns == 0) return unmoved(picture);
  // Counter-clockwise: what was on the right is at the top.
  const Projection quarter{{0, 1, 0, -1, 0, double(picture.w), 0, 0, 1}};
  Movement turned{[=](const Tensor& x, const float*) { return rot90(x, turns); }, quarter,
                  turns == 2 ? picture : Pair(picture.w, picture.h)};
  if (turns == 2) turned.forward = mirrored(double(picture.w), double(picture.h));
  if (turns == 3) turned.forward = {{0, -1, double(picture.h), 1, 0, 0, 0, 0, 1}};
  return turned;
}

Movement crop_movement(const Window& window) {
  return {[=](const Tensor& x, const float* mask_fill) {
            const Tensor part = crop(x, window);
            if (mask_fill == nullptr || *mask_fill == 0) return part;
            const Pair size = size_of_picture(x);
            return pad(x,
                       {-window.left, -window.top, window.left + window.width - size.w,
                        window.top + window.height - size.h},
                       {.fill = {*mask_fill}});
          },
          Projection::moved(-double(window.left), -double(window.top)),
          {window.height, window.width}};
}

Movement pad_movement(Pair picture, const Padding& padding, const PadOptions& options) {
  return {[=](const Tensor& x, const float* mask_fill) {
            if (mask_fill == nullptr) return pad(x, padding, options);
            return pad(x, padding, {options.mode, {*mask_fill}});
          },
          Projection::moved(double(padding.left), double(padding.top)),
          {add_sat(add_sat(picture.h, padding.top), padding.bottom),
           add_sat(add_sat(picture.w, padding.left), padding.right)}};
}

Movement resize_movement(Pair picture, Pair size, Interpolation interpolation) {
  return resized_crop_movement({0, 0, picture.h, picture.w}, size, interpolation);
}

Movement resized_crop_movement(const Window& window, Pair size, Interpolation interpolation) {
  if (size.h < 1 || size.w < 1 || window.height < 1 || window.width < 1)
    fail("resize: from {}x{} to {}x{} pixels is not possible", window.height, window.width, size.h, size.w);
  return {[=](const Tensor& x, const float* mask_fill) {
            return resized(view(x, window), size, interpolation, mask_fill);
          },
          Projection::scaled(double(size.w) / double(window.width), double(size.h) / double(window.height)) *
              Projection::moved(-double(window.left), -double(window.top)),
          size};
}

Movement rotate_movement(Pair picture, double degrees, const RotateOptions& options) {
  const Turn turn = turn_of(picture, degrees, options.expand, options.center);
  return {[=](const Tensor& x, const float* mask_fill) {
            if (mask_fill == nullptr) return rotate(x, degrees, options);
            return rotate(x, degrees, {Interpolation::nearest, options.expand, options.center, {*mask_fill}});
          },
          turn.back.inverse(), turn.size};
}

Movement affine_movement(Pair picture, const AffineParameters& parameters, const AffineOptions& options) {
  const Point middle = {double(picture.w) * 0.5, double(picture.h) * 0.5};
  return warp_movement(inverse_affine(parameters, options.center.value_or(middle)), picture,
                       {options.interpolation, options.fill});
}

Movement perspective_movement(Pair picture, const std::array<Point, 4>& start,
                              const std::array<Point, 4>& end, const WarpOptions& options) {
  return warp_movement(perspective_of(end, start), picture, options);
}

}  // namespace kiln::image
