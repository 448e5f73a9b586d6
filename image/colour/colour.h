#pragma once

#include <vector>

#include <kiln/tensor/tensor.h>

// Colours of pictures [C,H,W] on the CPU, any strides. Of uint8 pictures the results are Pillow's and
// torchvision's PIL backend's, bit for bit; of float32 pictures, with values 0 .. 1, they are torchvision's
// for tensors, to the last digits. 1 channel is grey, 3 are RGB; the last of 2 or 4 is alpha, which stays as
// it is. Results are contiguous; a factor that changes nothing may return the picture itself.

namespace kiln::image {

// 0 gives black, grey, or no colours; 1 the picture; more goes on beyond it. Factors are not negative.
Tensor adjust_brightness(const Tensor& picture, double factor);
Tensor adjust_contrast(const Tensor& picture, double factor);
Tensor adjust_saturation(const Tensor& picture, double factor);
// 0 gives a blurred picture, 2 a sharper one. uint8.
Tensor adjust_sharpness(const Tensor& picture, double factor);
// Turns the hue by -0.5 .. 0.5 of the circle. uint8.
Tensor adjust_hue(const Tensor& picture, double turn);
// 255 * gain * (x / 255) ^ gamma. uint8.
Tensor adjust_gamma(const Tensor& picture, double gamma, double gain = 1);

// Luma (ITU-R 601-2) in 1 channel, or the same in each of 3. Alpha is dropped.
Tensor to_grayscale(const Tensor& picture, int64_t channels = 1);

// 255 - x, or 1 - x.
Tensor invert(const Tensor& picture);
// x where it is below the threshold, inverted otherwise.
Tensor solarize(const Tensor& picture, double threshold = 128);
// Keeps the upper 0 .. 8 bits. uint8.
Tensor posterize(const Tensor& picture, int bits);
// Each channel's darkest value becomes 0 and its brightest 255. uint8.
Tensor autocontrast(const Tensor& picture);
// Each channel's values become equally frequent. uint8.
Tensor equalize(const Tensor& picture);

}  // namespace kiln::image
