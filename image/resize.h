#pragma once

#include <array>
#include <optional>

#include <kiln/image/interpolation.h>
#include <kiln/tensor/tensor.h>

namespace kiln::image {

// A part of a picture in pixels, which need not be whole numbers.
struct Box {
  float left = 0, top = 0, right = 0, bottom = 0;

  bool operator==(const Box&) const = default;
};

struct Size {
  int64_t height = 0, width = 0;

  bool operator==(const Size&) const = default;
};

struct ResizeOptions {
  Interpolation interpolation = Interpolation::bilinear;
  // Where a picture gets smaller the filter gets wider, so that each pixel counts. False: it keeps its width,
  // and pixels between are skipped.
  bool antialias = true;
  std::optional<Box> box;  // the part that is resized; nothing: all
};

// Pictures are uint8 [C,H,W] with 1 to 4 channels and any strides. Results are new memory in which the
// channels of a pixel are neighbours.
//
// The bits of Pillow's Image.resize: filters in fixed point (22 bits), first along rows, then along columns,
// with rounding and clipping after each. Two and four channels are grey with alpha and RGBA: as in Pillow,
// colours are multiplied by alpha before and divided after, but for `nearest`. Throws for another dtype or
// shape, a size that is not positive, and a box that is empty or reaches outside.
Tensor resize(const Tensor& picture, Size size, const ResizeOptions& options = {});

// torchvision's Resize(size, max_size): the shorter side gets `size` pixels, the longer one int(size * long /
// short), but max_size at most (0: no limit; the shorter side then shrinks with it). A picture that has
// this size already is returned itself. Throws when max_size is not larger than size.
Tensor resize_shorter(const Tensor& picture, int64_t size, const ResizeOptions& options = {},
                      int64_t max_size = 0);
// The size that it gives.
Size shorter_size(Size picture, int64_t size, int64_t max_size = 0);

// torchvision's CenterCrop: a view of the middle. A picture that is smaller is copied and gets zeros on its
// sides (one more on the right and below where the number is odd). An odd rest is rounded to the even side.
Tensor center_crop(const Tensor& picture, Size size);

// torchvision's FiveCrop: top left, top right, bottom left, bottom right and the middle, as views. Throws
// when the picture is smaller.
std::array<Tensor, 5> five_crop(const Tensor& picture, Size size);

}  // namespace kiln::image
