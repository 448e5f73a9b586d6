#include <kiln/models/attention/swin_transformer.h>

#include <cmath>

#include <kiln/models/attention/relative_position.h>
#include <kiln/models/attention/shifted_window.h>
#include <kiln/models/family.h>
#include <kiln/models/stochastic_depth.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

// [N, H, W, C] -> [N, ceil(H/2), ceil(W/2), 4C].
Tensor neighbours(const Tensor& x) {
  if (x.dim() != 4) fail("PatchMerging: x must be [N,H,W,C], got {}", x.shape());
  const Tensor y = pad_places(x, x.size(1) % 2, x.size(2) % 2);
  const auto corner = [&](int64_t top, int64_t left) {
    return slice(slice(y, 1, top, INT64_MAX, 2), 2, left, INT64_MAX, 2);
  };
  return cat({corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)}, -1);
}

MLP make_mlp(int64_t channels, const SwinBlockOptions& options) {
  MLP mlp(channels, {saturate_cast(double(channels) * options.mlp_ratio), channels},
          {.activation_layer = GELU(), .dropout = options.dropout});
  mlp.apply([](Module& module) {
    auto* linear = dynamic_cast<Linear*>(&module);
    if (linear == nullptr) return;
    init::xavier_uniform_(linear->weight);
    init::normal_(linear->bias, 0, 1e-6);
  });
  return mlp;
}

// Distances from -(window - 1) to window - 1 in both directions, in logarithms: at most 1 at 8 windows'
// edges.
Tensor relative_coords(Pair window) {
  const int64_t height = sub_sat(mul_sat(2, window.h), 1), width = sub_sat(mul_sat(2, window.w), 1);
  const Tensor table = empty({1, height, width, 2}, {.device = cpu});
  float* out = table.data<float>();
  const auto logarithm = [](int64_t distance, int64_t most) {
    const float x = float(distance) / float(most) * 8;
    return std::copysign(std::log2(std::abs(x) + 1.0f) / 3.0f, x);
  };
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      *out++ = logarithm(y - window.h + 1, window.h - 1);
      *out++ = logarithm(x - window.w + 1, window.w - 1);
    }
  return table.to(factory_device());
}

void initialise(Module& module) {
  auto* linear = dynamic_cast<Linear*>(&module);
  if (linear == nullptr) return;
  init::trunc_normal_(linear->weight, 0, 0.02);
  if (linear->bias.defined()) init::zeros_(linear->bias);
}

}  // namespace

PatchMerging::PatchMerging(int64_t channels)
    : reduction(mul_sat(4, channels), mul_sat(2, channels), {.bias = false}),
      norm(Shape{mul_sat(4, channels)}) {}

Tensor PatchMerging::forward(const Tensor& x) const { return reduction(norm(neighbours(x))); }

PatchMergingV2::PatchMergingV2(int64_t channels)
    : reduction(mul_sat(4, channels), mul_sat(2, channels), {.bias = false}),
      norm(Shape{mul_sat(2, channels)}) {}

Tensor PatchMergingV2::forward(const Tensor& x) const { return norm(reduction(neighbours(x))); }

ShiftedWindowAttention::ShiftedWindowAttention(int64_t channels, const ShiftedWindows& windows)
    : relative_position_bias_table(zeros({relative_positions(windows.window_size), windows.num_heads})),
      relative_position_index(flatten(models::relative_position_index(windows.window_size))),
      qkv(channels, mul_sat(3, channels)),
      proj(channels, channels),
      windows_(windows) {
  init::trunc_normal_(relative_position_bias_table, 0, 0.02);
}

Tensor ShiftedWindowAttention::forward(const Tensor& x) const {
  const Tensor bias = relative_position_bias(relative_position_bias_table, relative_position_index);
  return shifted_window_attention(x, {qkv, proj, qkv.bias, bias, {}}, windows_);
}

int64_t ShiftedWindowAttention::flops(const Tensors& inputs, const Tensors&) const {
  return shifted_window_flops(inputs[0].shape(), windows_);
}

int64_t ShiftedWindowAttentionV2::flops(const Tensors& inputs, const Tensors&) const {
  return shifted_window_flops(inputs[0].shape(), windows_);
}

ShiftedWindowAttentionV2::ShiftedWindowAttentionV2(int64_t channels, const ShiftedWindows& windows)
    : logit_scale(full({windows.num_heads, 1, 1}, std::log(10.0))),
      relative_coords_table(relative_coords(windows.window_size)),
      relative_position_index(flatten(models::relative_position_index(windows.window_size))),
      qkv(channels, mul_sat(3, channels)),
      proj(channels, channels),
      cpb_mlp(Linear(2, 512), ReLU({.inplace = true}), Linear(512, windows.num_heads, {.bias = false})),
      windows_(windows) {}

Tensor ShiftedWindowAttentionV2::forward(const Tensor& x) const {
  const Tensor table = flatten(cpb_mlp(relative_coords_table), 0, 2);
  const Tensor bias = 16 * sigmoid(relative_position_bias(table, relative_position_index));
  // The keys' third of the bias stays zero, whatever is in it.
  const int64_t channels = proj.in_features();
  const Tensor qkv_bias = cat({narrow(qkv.bias, 0, 0, channels), zeros_like(narrow(qkv.bias, 0, 0, channels)),
                               narrow(qkv.bias, 0, 2 * channels, channels)});
  return shifted_window_attention(x, {qkv, proj, qkv_bias, bias, logit_scale}, windows_);
}

SwinTransformerBlock::SwinTransformerBlock(int64_t channels, const ShiftedWindows& windows,
                                           const SwinBlockOptions& options)
    : norm1(Shape{channels}),
      attn(channels, windows),
      stochastic_depth(options.stochastic_depth_prob, StochasticDepthMode::row),
      norm2(Shape{channels}),
      mlp(make_mlp(channels, options)) {}

Tensor SwinTransformerBlock::forward(const Tensor& x) const {
  const Tensor y = x + stochastic_depth(attn(norm1(x)));
  return y + stochastic_depth(mlp(norm2(y)));
}

SwinTransformerBlockV2::SwinTransformerBlockV2(int64_t channels, const ShiftedWindows& windows,
                                               const SwinBlockOptions& options)
    : norm1(Shape{channels}),
      attn(channels, windows),
      stochastic_depth(options.stochastic_depth_prob, StochasticDepthMode::row),
      norm2(Shape{channels}),
      mlp(make_mlp(channels, options)) {}

Tensor SwinTransformerBlockV2::forward(const Tensor& x) const {
  const Tensor y = x + stochastic_depth(norm1(attn(x)));
  return y + stochastic_depth(norm2(mlp(y)));
}

namespace {

template <class Block, class Merging>
void build(Sequential& features, const SwinDesign& design, const SwinTransformerOptions& options) {
  int64_t total = 0, done = 0, channels = design.embed_dim;
  for (const int64_t depth : design.depths) total += depth;
  const double prob = options.stochastic_depth_prob.value_or(design.stochastic_depth_prob);
  for (size_t i = 0; i < design.depths.size(); ++i) {
    if (i > 0) {
      features.push_back(Merging(channels));
      channels = mul_sat(channels, 2);
    }
    Sequential stage;
    for (int64_t k = 0; k < design.depths[i]; ++k, ++done) {
      const int64_t window = design.window_size, shift = k % 2 == 0 ? 0 : window / 2;
      stage.push_back(Block(channels, {window, shift, design.num_heads[i]},
                            {.dropout = options.dropout,
                             .stochastic_depth_prob = stochastic_depth_prob_of_block(prob, done, total)}));
    }
    features.push_back(std::move(stage));
  }
}

}  // namespace

namespace {

// Each stage but the first has twice the channels.
int64_t last_width(const SwinDesign& design) {
  int64_t width = design.embed_dim;
  for (size_t i = 1; i < design.depths.size(); ++i) width = mul_sat(width, 2);
  return width;
}

}  // namespace

SwinTransformer::SwinTransformer(const SwinDesign& design, const SwinTransformerOptions& options)
    : norm(Shape{last_width(design)}), head(Linear(last_width(design), options.num_classes)) {
  if (design.depths.empty() || design.depths.size() != design.num_heads.size())
    fail("SwinTransformer: needs as many depths as num_heads, got {} and {}", design.depths.size(),
         design.num_heads.size());
  features->push_back(Sequential(Conv2d(3, design.embed_dim, 4, {.stride = 4}), Permute({0, 2, 3, 1}),
                                 LayerNorm(Shape{design.embed_dim})));
  if (design.version == SwinVersion::v1)
    build<SwinTransformerBlock, PatchMerging>(*features, design, options);
  else
    build<SwinTransformerBlockV2, PatchMergingV2>(*features, design, options);
  apply(initialise);
}

SwinTransformer swin_t(const SwinTransformerOptions& options) {
  return SwinTransformer({SwinVersion::v1, 96, {2, 2, 6, 2}, {3, 6, 12, 24}, 7, 0.2}, options);
}
SwinTransformer swin_s(const SwinTransformerOptions& options) {
  return SwinTransformer({SwinVersion::v1, 96, {2, 2, 18, 2}, {3, 6, 12, 24}, 7, 0.3}, options);
}
SwinTransformer swin_b(const SwinTransformerOptions& options) {
  return SwinTransformer({SwinVersion::v1, 128, {2, 2, 18, 2}, {4, 8, 16, 32}, 7, 0.5}, options);
}
SwinTransformer swin_v2_t(const SwinTransformerOptions& options) {
  return SwinTransformer({SwinVersion::v2, 96, {2, 2, 6, 2}, {3, 6, 12, 24}, 8, 0.2}, options);
}
SwinTransformer swin_v2_s(const SwinTransformerOptions& options) {
  return SwinTransformer({SwinVersion::v2, 96, {2, 2, 18, 2}, {3, 6, 12, 24}, 8, 0.3}, options);
}
SwinTransformer swin_v2_b(const SwinTransformerOptions& options) {
  return SwinTransformer({SwinVersion::v2, 128, {2, 2, 18, 2}, {4, 8, 16, 32}, 8, 0.5}, options);
}

namespace {

Builder named(const char* name, SwinTransformer (*make)(const SwinTransformerOptions&)) {
  return {name, [make](const ModelOptions& given) {
            SwinTransformerOptions options;
            set(options.num_classes, given.num_classes);
            set(options.dropout, given.dropout);
            options.stochastic_depth_prob = given.stochastic_depth_prob;
            return make(options);
          }};
}

}  // namespace

Family families::swin_transformer() {
  return {.type = "SwinTransformer",
          .heads = {"head"},
          .options = {"dropout", "stochastic_depth_prob"},
          .builders = {named("swin_t", swin_t), named("swin_s", swin_s), named("swin_b", swin_b),
                       named("swin_v2_t", swin_v2_t), named("swin_v2_s", swin_v2_s),
                       named("swin_v2_b", swin_v2_b)}};
}

}  // namespace kiln::nn::models
