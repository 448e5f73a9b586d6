#pragma once

#include <kiln/models/attention/swin_transformer.h>

// Internal, for the sources of models: what both versions of the Swin transformer do with windows.

namespace kiln::nn::models {

struct WindowAttention {
  const Linear& qkv;
  const Linear& proj;
  Tensor qkv_bias;
  Tensor position_bias;  // [1, heads, places, places]
  Tensor logit_scale;    // of cosines, [heads, 1, 1]; undefined: scaled products
};

// x [N, H, W, C] -> the same.
Tensor shifted_window_attention(const Tensor& x, const WindowAttention& attention,
                                const ShiftedWindows& windows);

// Of x [N, H, W, C]: what qkv and the products between the places of each window take; proj is a module's.
int64_t shifted_window_flops(const Shape& x, const ShiftedWindows& windows);

// x [N, H, W, C] with zeros behind, H and W by this much more.
Tensor pad_places(const Tensor& x, int64_t height, int64_t width);

}  // namespace kiln::nn::models
