#pragma once

#include <utility>

#include <kiln/autograd/ops_nn.h>
#include <kiln/nn/layers/linear.h>

namespace kiln::nn {

struct MultiheadAttentionOptions {
  double dropout = 0;  // of the attention weights, in training
  bool bias = true;
  bool add_bias_kv = false;    // not supported
  bool add_zero_attn = false;  // not supported
  int64_t kdim = 0, vdim = 0;  // 0: embed_dim; others are not supported
  bool batch_first = false;
};

// What a call of attention may leave out: bools are true where nothing may be looked at, numbers are added.
struct AttentionMasks {
  Tensor key_padding_mask = {};  // [N, S]
  Tensor attn_mask = {};         // [L, S] or [N * num_heads, L, S]
};

// PyTorch prints MultiheadAttention's last layer under this name.
struct NonDynamicallyQuantizableLinear : Linear {
  using Linear::Linear;
};

// Attention in num_heads parts of embed_dim features (Vaswani et al., "Attention is all you need", 2017),
// with torch.nn.MultiheadAttention's keys and initial values. query [L, N, E], key and value [S, N, E] -> [L,
// N, E], or the batch first; without a batch [L, E].
struct MultiheadAttention : Module {
  Parameter in_proj_weight;  // [3 * embed_dim, embed_dim]: of query, key and value
  Parameter in_proj_bias;    // [3 * embed_dim], or undefined
  NonDynamicallyQuantizableLinear out_proj;
  NN_MEMBERS(in_proj_weight, in_proj_bias, out_proj)

  MultiheadAttention(int64_t embed_dim, int64_t num_heads, const MultiheadAttentionOptions& options = {});

  int64_t embed_dim() const { return in_proj_weight.size(1); }
  int64_t num_heads() const { return num_heads_; }
  // PyTorch's need_weights=False: memory is what scaled_dot_product_attention needs.
  Tensor forward(const Tensor& query, const Tensor& key, const Tensor& value,
                 const AttentionMasks& masks = {}) const;
  // Also the weights, [N, L, S]: the average of the heads'. Without hooks.
  std::pair<Tensor, Tensor> forward_with_weights(const Tensor& query, const Tensor& key, const Tensor& value,
                                                 const AttentionMasks& masks = {}) const;
  void reset_parameters() override;
  // Of the products with in_proj_weight, and the two of each head; out_proj counts its own.
  int64_t flops(const Tensors& inputs, const Tensors& outputs) const override;

 private:
  struct Heads {
    Tensor query, key, value,
        mask;  // [N, num_heads, rows, features]; mask: bools of where to look, or numbers
  };
  Heads heads_of(const Tensor& query, const Tensor& key, const Tensor& value,
                 const AttentionMasks& masks) const;
  AttentionOptions call_options() const;
  Tensor joined(const Tensor& heads, bool batched) const;

  int64_t num_heads_;
  MultiheadAttentionOptions options_;
};

}  // namespace kiln::nn
