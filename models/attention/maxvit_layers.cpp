#include <cmath>

#include <kiln/models/attention/maxvit.h>
#include <kiln/models/attention/relative_position.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models::maxvit {

namespace {

constexpr double kExpansion = 4, kSqueeze = 0.25;
constexpr BatchNormLayerOptions kNorm{.eps = 1e-3, .momentum = 0.99};

Conv2dNormActivation unit(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t groups = 1) {
  return Conv2dNormActivation(
      in, out, kernel,
      {.stride = stride, .groups = groups, .norm_layer = batch_norm_2d(kNorm), .activation_layer = GELU()});
}

AnyModule make_proj(int64_t in, int64_t out, int64_t stride) {
  if (stride == 1 && in == out) return Identity();
  Sequential proj;
  if (stride == 2) proj.push_back(AvgPool2d(3, {.stride = stride, .padding = 1}));
  proj.push_back(Conv2d(in, out, 1));
  return proj;
}

AnyModule swap_of(PartitionType type) {
  if (type == PartitionType::grid) return SwapAxes(-2, -3);
  return Identity();
}

}  // namespace

MBConv::MBConv(int64_t in_channels, int64_t out_channels, int64_t stride, double stochastic_depth_prob)
    : proj(make_proj(in_channels, out_channels, stride)), stochastic_depth(Identity()) {
  if (stochastic_depth_prob != 0)
    stochastic_depth = StochasticDepth(stochastic_depth_prob, StochasticDepthMode::row);
  const int64_t middle = saturate_cast(double(out_channels) * kExpansion);
  const int64_t squeezed = saturate_cast(double(out_channels) * kSqueeze);
  layers.push_back("pre_norm", BatchNorm2d(in_channels, kNorm));
  layers.push_back("conv_a", unit(in_channels, middle, 1));
  layers.push_back("conv_b", unit(middle, middle, 3, stride, middle));
  layers.push_back("squeeze_excitation", SqueezeExcitation(middle, squeezed, SiLU()));
  layers.push_back("conv_c", Conv2d(middle, out_channels, 1));
}

RelativePositionalMultiHeadAttention::RelativePositionalMultiHeadAttention(int64_t channels, int64_t head_dim,
                                                                           int64_t side)
    : relative_position_bias_table(
          empty({relative_positions(side), channels / std::max<int64_t>(head_dim, 1)})),
      relative_position_index(models::relative_position_index(side)),
      to_qkv(channels, mul_sat(3, channels)),
      merge(channels, channels),
      head_dim_(head_dim) {
  if (head_dim < 1 || channels % head_dim != 0)
    fail("MaxVit: head_dim must divide the channels, got {} and {}", head_dim, channels);
  init::trunc_normal_(relative_position_bias_table, 0, 0.02);
}

int64_t RelativePositionalMultiHeadAttention::flops(const Tensors& inputs, const Tensors&) const {
  return 4 * inputs[0].numel() * inputs[0].size(2);
}

Tensor RelativePositionalMultiHeadAttention::forward(const Tensor& x) const {
  const int64_t heads = x.size(3) / head_dim_;
  const Tensor qkv = reshape(to_qkv(x), {x.size(0), x.size(1), x.size(2), 3, heads, head_dim_});
  const Tensors parts = unbind(permute(qkv, {3, 0, 1, 4, 2, 5}), 0);  // [N, groups, heads, places, head_dim]
  const Tensor bias = relative_position_bias(relative_position_bias_table, relative_position_index);
  const Tensor y = scaled_dot_product_attention(parts[0], parts[1], parts[2], bias,
                                                {.scale = std::pow(double(x.size(3)), -0.5)});
  return merge(reshape(y.transpose(2, 3), x.shape()));
}

Tensor WindowPartition::forward(const Tensor& x, int64_t p) const {
  const int64_t rows = x.size(2) / p, columns = x.size(3) / p;
  const Tensor split = reshape(permute(x, {0, 2, 3, 1}), {x.size(0), rows, p, columns, p, x.size(1)});
  return reshape(permute(split, {0, 1, 3, 2, 4, 5}), {x.size(0), rows * columns, p * p, x.size(1)});
}

// The result is in channels-last order, which convolutions want.
Tensor WindowDepartition::forward(const Tensor& x, int64_t p, int64_t rows, int64_t columns) const {
  const Tensor split = reshape(x, {x.size(0), rows, columns, p, p, x.size(3)});
  const Tensor joined =
      reshape(permute(split, {0, 1, 3, 2, 4, 5}), {x.size(0), rows * p, columns * p, x.size(3)});
  return permute(joined, {0, 3, 1, 2});
}

PartitionAttentionLayer::PartitionAttentionLayer(int64_t channels, int64_t head_dim, int64_t partition_size,
                                                 PartitionType type, int64_t grid_size,
                                                 double stochastic_depth_prob)
    : partition_swap(swap_of(type)),
      departition_swap(swap_of(type)),
      attn_layer(LayerNorm(Shape{channels}),
                 RelativePositionalMultiHeadAttention(channels, head_dim, partition_size), Dropout(0)),
      mlp_layer(LayerNorm(Shape{channels}), Linear(channels, 4 * channels), GELU(),
                Linear(4 * channels, channels), Dropout(0)),
      stochastic_dropout(stochastic_depth_prob, StochasticDepthMode::row),
      grid_size_(grid_size),
      window_(type == PartitionType::window ? partition_size : grid_size / partition_size) {}

Tensor PartitionAttentionLayer::forward(const Tensor& x) const {
  if (x.dim() != 4 || x.size(2) != grid_size_ || x.size(3) != grid_size_)
    fail("MaxVit: this layer takes [N,C,{},{}], got {}; make the network with another image_size", grid_size_,
         grid_size_, x.shape());
  Tensor y = partition_swap(partition_op(x, window_));
  y = y + stochastic_dropout(attn_layer(y));
  y = y + stochastic_dropout(mlp_layer(y));
  return departition_op(departition_swap(y), window_, grid_size_ / window_, grid_size_ / window_);
}

MaxVitLayer::MaxVitLayer(const LayerOptions& options) {
  const auto& [in, out, stride, head_dim, partition, grid, prob] = options;
  layers.push_back("MBconv", MBConv(in, out, stride, prob));
  layers.push_back("window_attention",
                   PartitionAttentionLayer(out, head_dim, partition, PartitionType::window, grid, prob));
  layers.push_back("grid_attention",
                   PartitionAttentionLayer(out, head_dim, partition, PartitionType::grid, grid, prob));
}

Tensor MaxVitBlock::forward(const Tensor& x) const {
  Tensor y = x;
  for (const AnyModule& layer : layers) y = layer(y);
  return y;
}

}  // namespace kiln::nn::models::maxvit
