#pragma once

#include <kiln/tensor/tensor.h>

// One picture on another: uint8 pictures [C,H,W] on the CPU, any strides. The bits are Pillow's. Results are
// contiguous copies.

namespace kiln::image {

struct PasteOptions {
  int64_t top = 0,
          left = 0;  // of the picture's first pixel; it may lie outside, what reaches beyond is cut off
  Tensor mask = {};  // [H,W] or [1,H,W] uint8 of the picture's size: 0 leaves the background, 255 covers it
};

// The background with the picture on it (Pillow's Image.paste). Of a picture with one channel more than the
// background, that channel is its mask where no other is given. Throws for other differences in channels.
Tensor paste(const Tensor& background, const Tensor& picture, const PasteOptions& options = {});

// Two RGBA pictures of one size, `source` over `background` (Pillow's Image.alpha_composite).
Tensor alpha_composite(const Tensor& background, const Tensor& source);

}  // namespace kiln::image
