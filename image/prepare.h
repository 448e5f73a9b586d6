#pragma once

#include <string_view>

#include <kiln/image/decode.h>
#include <kiln/image/preset.h>

namespace kiln::image {

// A picture as a network wants it: float32 [channels,crop,crop], contiguous. The same bits as torchvision's
// Resize, CenterCrop, ToTensor and Normalize on Pillow's picture, for 1 channel behind Grayscale; only what
// the crop shows is computed. The picture is uint8 [3,H,W] of any strides, or [1,H,W] where the preset wants
// grey. Throws for another dtype or shape, and for a preset whose sizes are not positive or whose channels
// are not 1 or 3.
Tensor prepare(const Tensor& picture, const Preset& preset);

// decode() and prepare() in one, the same bits. The rows of a JPEG go from the decoder through the filter
// without a whole picture between them, and only the blocks that the crop shows are transformed; its end is
// read all the same. options.mode must be rgb.
Tensor prepare(std::string_view bytes, const Preset& preset, const DecodeOptions& options = {});

}  // namespace kiln::image
