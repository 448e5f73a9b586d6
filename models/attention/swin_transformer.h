#pragma once

#include <kiln/nn/nn.h>

// Swin transformers with torchvision's names, shapes and state-dict keys (Liu et al., "Swin Transformer:
// hierarchical vision transformer using shifted windows", 2021; "Swin Transformer V2: scaling up capacity and
// resolution", 2022). Pictures are [N, H, W, C] within.

namespace kiln::nn::models {

enum class SwinVersion : uint8_t { v1, v2 };

// Four neighbours' channels side by side, normalised, then half as many: [N, H, W, C] ->
// [N, ceil(H/2), ceil(W/2), 2C].
struct PatchMerging : Module {
  Linear reduction;
  LayerNorm norm;
  NN_MEMBERS(reduction, norm)

  explicit PatchMerging(int64_t channels);
  Tensor forward(const Tensor& x) const;
};

// The same with the result normalised.
struct PatchMergingV2 : Module {
  Linear reduction;
  LayerNorm norm;
  NN_MEMBERS(reduction, norm)

  explicit PatchMergingV2(int64_t channels);
  Tensor forward(const Tensor& x) const;
};

// Self-attention within windows, which every other block moves by half their size (round the edges, with what
// was not near masked). x [N, H, W, C] -> the same. H and W need not be multiples of the window.
struct ShiftedWindows {
  Pair window_size, shift_size;
  int64_t num_heads;
};

struct ShiftedWindowAttention : Module {
  Parameter relative_position_bias_table;  // [(2 * height - 1) * (2 * width - 1), num_heads]
  Buffer relative_position_index;          // [(height * width)^2], int64
  Linear qkv, proj;
  NN_MEMBERS(relative_position_bias_table, relative_position_index, qkv, proj)

  ShiftedWindowAttention(int64_t channels, const ShiftedWindows& windows);
  Tensor forward(const Tensor& x) const;
  // Of qkv and of the products between the places of a window.
  int64_t flops(const Tensors& inputs, const Tensors& outputs) const override;

 private:
  ShiftedWindows windows_;
};

// Cosine attention with a learned scale; the bias comes from a small network over logarithms of distances.
struct ShiftedWindowAttentionV2 : Module {
  Parameter logit_scale;           // [num_heads, 1, 1]
  Buffer relative_coords_table;    // [1, 2 * height - 1, 2 * width - 1, 2]
  Buffer relative_position_index;  // [(height * width)^2], int64
  Linear qkv, proj;
  Sequential cpb_mlp;
  NN_MEMBERS(logit_scale, relative_coords_table, relative_position_index, qkv, proj, cpb_mlp)

  ShiftedWindowAttentionV2(int64_t channels, const ShiftedWindows& windows);
  Tensor forward(const Tensor& x) const;
  int64_t flops(const Tensors& inputs, const Tensors& outputs) const override;

 private:
  ShiftedWindows windows_;
};

struct SwinBlockOptions {
  double mlp_ratio = 4;
  double dropout = 0;
  double stochastic_depth_prob = 0;
};

// x + attention(norm1(x)), then + mlp(norm2(.)), each dropped at random.
struct SwinTransformerBlock : Module {
  LayerNorm norm1;
  ShiftedWindowAttention attn;
  StochasticDepth stochastic_depth;
  LayerNorm norm2;
  MLP mlp;
  NN_MEMBERS(norm1, attn, stochastic_depth, norm2, mlp)

  SwinTransformerBlock(int64_t channels, const ShiftedWindows& windows, const SwinBlockOptions& options = {});
  Tensor forward(const Tensor& x) const;
};

// x + norm1(attention(x)), then + norm2(mlp(.)), each dropped at random.
struct SwinTransformerBlockV2 : Module {
  LayerNorm norm1;
  ShiftedWindowAttentionV2 attn;
  StochasticDepth stochastic_depth;
  LayerNorm norm2;
  MLP mlp;
  NN_MEMBERS(norm1, attn, stochastic_depth, norm2, mlp)

  SwinTransformerBlockV2(int64_t channels, const ShiftedWindows& windows,
                         const SwinBlockOptions& options = {});
  Tensor forward(const Tensor& x) const;
};

// What makes one network of the family.
struct SwinDesign {
  SwinVersion version;
  int64_t embed_dim;
  std::vector<int64_t> depths, num_heads;
  int64_t window_size;
  double stochastic_depth_prob;
};

struct SwinTransformerOptions {
  int64_t num_classes = 1000;
  double dropout = 0;                           // behind the layers of the MLPs
  std::optional<double> stochastic_depth_prob;  // each network has its own
};

// x [N, 3, H, W] -> scores [N, num_classes].
struct SwinTransformer : Module {
  Replaceable<Sequential> features{Sequential()};
  LayerNorm norm;
  Permute permute{Dims{0, 3, 1, 2}};
  Replaceable<AdaptiveAvgPool2d> avgpool{AdaptiveAvgPool2d(1)};
  Flatten flatten{1};
  Replaceable<Linear> head;
  NN_MEMBERS(features, norm, permute, avgpool, flatten, head)

  // Throws unless there are as many depths as num_heads, and at least one.
  explicit SwinTransformer(const SwinDesign& design, const SwinTransformerOptions& options = {});
  Tensor forward(const Tensor& x) const { return head(flatten(avgpool(permute(norm(features(x)))))); }
};

SwinTransformer swin_t(const SwinTransformerOptions& options = {});
SwinTransformer swin_s(const SwinTransformerOptions& options = {});
SwinTransformer swin_b(const SwinTransformerOptions& options = {});
SwinTransformer swin_v2_t(const SwinTransformerOptions& options = {});
SwinTransformer swin_v2_s(const SwinTransformerOptions& options = {});
SwinTransformer swin_v2_b(const SwinTransformerOptions& options = {});

}  // namespace kiln::nn::models
