#pragma once

#include <kiln/image/interpolation.h>
#include <kiln/image/move/crop.h>
#include <kiln/image/move/pad.h>
#include <kiln/image/move/projection.h>
#include <kiln/image/move/warp.h>
#include <kiln/tensor/base/function.h>

// Movements of pixels as values, so that masks, boxes and points follow their picture. Each is made for
// pictures of one size.

namespace kiln::image {

struct Movement {
  // Moves a picture [C,H,W]. With a mask_fill it is a mask of any type, whose values are labels: the nearest
  // one is taken, and that number where there is none. Empty: nothing moves.
  Function<Tensor(const Tensor& picture, const float* mask_fill)> pixels = {};
  Projection forward = {};  // where the picture's points go
  Pair size = 0;            // of the result

  Tensor operator()(const Tensor& picture) const { return pixels ? pixels(picture, nullptr) : picture; }
  // A mask [H,W] or masks [n,H,W].
  Tensor mask(const Tensor& mask, float fill = 0) const;
};

// Leaves a picture of this size as it is.
Movement unmoved(Pair size);
Movement hflip_movement(Pair picture);
Movement vflip_movement(Pair picture);
Movement rot90_movement(Pair picture, int64_t quarters);
Movement crop_movement(const Window& window);
Movement pad_movement(Pair picture, const Padding& padding, const PadOptions& options = {});
Movement resize_movement(Pair picture, Pair size, Interpolation interpolation = Interpolation::bilinear);
// The window, resized.
Movement resized_crop_movement(const Window& window, Pair size,
                               Interpolation interpolation = Interpolation::bilinear);
Movement rotate_movement(Pair picture, double degrees, const RotateOptions& options = {});
Movement affine_movement(Pair picture, const AffineParameters& parameters, const AffineOptions& options = {});
Movement perspective_movement(Pair picture, const std::array<Point, 4>& start,
                              const std::array<Point, 4>& end,
                              const WarpOptions& options = {.interpolation = Interpolation::bilinear});

struct BoxOptions {
  double min_size = 1;     // pixels of width and of height that must be left inside
  double min_visible = 0;  // share of its area that must be left inside
};

struct MovedBoxes {
  Tensor boxes;               // [m,4], of the type that was given
  std::vector<int64_t> kept;  // which of the boxes these are
};

// Boxes [n,4] of left, top, right, bottom in pixels, float32 or float64 on the CPU. Each becomes the box
// around its moved corners, cut at the picture's edges; one of which less is left than the options want is
// dropped, and so is one that is not finite.
MovedBoxes move_boxes(const Tensor& boxes, const Movement& movement, const BoxOptions& options = {});

// These rows of a tensor [n,...] of any type on the CPU.
Tensor rows_of(const Tensor& x, const std::vector<int64_t>& rows);

}  // namespace kiln::image
