#pragma once

#include <kiln/nn/nn.h>

// MaxViT with torchvision's names, shapes and state-dict keys (Tu et al., "MaxViT: multi-axis vision
// transformer", 2022): inverted bottlenecks, then attention within windows, then between the same places of
// all windows.

namespace kiln::nn::models {

namespace maxvit {

// proj(x) + (batch norm, 1x1 up, depthwise 3x3, squeeze-excitation, 1x1 down).
struct MBConv : Module {
  AnyModule proj, stochastic_depth;  // Identity where there is nothing to do
  Sequential layers;
  NN_MEMBERS(proj, stochastic_depth, layers)

  MBConv(int64_t in_channels, int64_t out_channels, int64_t stride, double stochastic_depth_prob);
  Tensor forward(const Tensor& x) const { return proj(x) + stochastic_depth(layers(x)); }
};

// x [N, groups, places, channels] -> the same: each group's places attend to each other.
struct RelativePositionalMultiHeadAttention : Module {
  Parameter relative_position_bias_table;  // [(2 * side - 1)^2, heads]
  Buffer relative_position_index;          // [places, places], int64
  Linear to_qkv, merge;
  NN_MEMBERS(relative_position_bias_table, relative_position_index, to_qkv, merge)

  // `side`: the places are a square of this side. Throws unless heads of head_dim make up the channels.
  RelativePositionalMultiHeadAttention(int64_t channels, int64_t head_dim, int64_t side);
  // x [N, groups, places, channels].
  Tensor forward(const Tensor& x) const;
  // Of the products between the places of a group.
  int64_t flops(const Tensors& inputs, const Tensors& outputs) const override;

 private:
  int64_t head_dim_;
};

// torch.swapaxes.
struct SwapAxes : Module {
  NN_MEMBERS()
  SwapAxes(int a, int b) : a_(a), b_(b) {}
  Tensor forward(const Tensor& x) const { return transpose(x, a_, b_); }

 private:
  int a_, b_;
};

// [N, C, H, W] -> [N, H/p * W/p, p * p, C], windows of p x p.
struct WindowPartition : Module {
  NN_MEMBERS()
  Tensor forward(const Tensor& x, int64_t p) const;
};
// And back: rows and columns count the windows.
struct WindowDepartition : Module {
  NN_MEMBERS()
  Tensor forward(const Tensor& x, int64_t p, int64_t rows, int64_t columns) const;
};

enum class PartitionType : uint8_t { window, grid };

// Attention and an MLP over parts of a picture: windows of `partition_size` a side, or grids of as many
// places, spread over the picture.
struct PartitionAttentionLayer : Module {
  WindowPartition partition_op;
  WindowDepartition departition_op;
  AnyModule partition_swap, departition_swap;
  Sequential attn_layer, mlp_layer;
  StochasticDepth stochastic_dropout;
  NN_MEMBERS(partition_op, departition_op, partition_swap, departition_swap, attn_layer, mlp_layer,
             stochastic_dropout)

  PartitionAttentionLayer(int64_t channels, int64_t head_dim, int64_t partition_size, PartitionType type,
                          int64_t grid_size, double stochastic_depth_prob);
  // x [N, channels, grid_size, grid_size]; throws for another size.
  Tensor forward(const Tensor& x) const;

 private:
  int64_t grid_size_, window_;
};

struct LayerOptions {
  int64_t in_channels, out_channels, stride, head_dim, partition_size, grid_size;
  double stochastic_depth_prob;
};

struct MaxVitLayer : Module {
  Sequential layers;
  NN_MEMBERS(layers)

  explicit MaxVitLayer(const LayerOptions& options);
  Tensor forward(const Tensor& x) const { return layers(x); }
};

struct MaxVitBlock : Module {
  ModuleList layers;
  NN_MEMBERS(layers)

  Tensor forward(const Tensor& x) const;
};

}  // namespace maxvit

// What makes a network of the family.
struct MaxVitDesign {
  int64_t stem_channels;
  std::vector<int64_t> block_channels, block_layers;
  int64_t head_dim;
  double stochastic_depth_prob;
  int64_t partition_size;
};

struct MaxVitOptions {
  int64_t num_classes = 1000;
  std::optional<double> stochastic_depth_prob;  // the network has its own
  int64_t image_size = 224;  // pictures of this height and width; partitions must tile each block's
};

// x [N, 3, image_size, image_size] -> scores [N, num_classes].
struct MaxVit : Module {
  Replaceable<Sequential> stem{Sequential()};
  Replaceable<ModuleList> blocks{ModuleList()};
  Replaceable<Sequential> classifier{Sequential()};
  NN_MEMBERS(stem, blocks, classifier)

  // Throws when the partitions do not tile the pictures of a block.
  explicit MaxVit(const MaxVitDesign& design, const MaxVitOptions& options = {});
  Tensor forward(const Tensor& x) const;
};

MaxVit maxvit_t(const MaxVitOptions& options = {});

}  // namespace kiln::nn::models
