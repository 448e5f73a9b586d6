#pragma once

#include <kiln/nn/nn.h>

// Vision transformers with torchvision's names, shapes and state-dict keys (Dosovitskiy et al., "An image is
// worth 16x16 words", 2020).

namespace kiln::nn::models {

// Linear up, GELU, linear down, with dropout behind both.
struct MLPBlock : MLP {
  MLPBlock(int64_t features, int64_t hidden, double dropout);
};

// x [N, S, E] -> [N, S, E]: self-attention and an MLPBlock, each of normalised input and added to it.
struct EncoderBlock : Module {
  LayerNorm ln_1;
  MultiheadAttention self_attention;
  Dropout dropout;
  LayerNorm ln_2;
  MLPBlock mlp;
  NN_MEMBERS(ln_1, self_attention, dropout, ln_2, mlp)

  EncoderBlock(int64_t num_heads, int64_t hidden_dim, int64_t mlp_dim, double dropout,
               double attention_dropout);
  Tensor forward(const Tensor& x) const;
};

// What makes one network of the family.
struct VisionTransformerDesign {
  int64_t patch_size, num_layers, num_heads, hidden_dim, mlp_dim;
};

struct VisionTransformerOptions {
  int64_t num_classes = 1000;
  double dropout = 0;
  double attention_dropout = 0;
  int64_t image_size = 224;  // pictures of this height and width, a multiple of the patch's
};

// Positions added, blocks named "encoder_layer_0", "encoder_layer_1", ..., layer norm.
struct Encoder : Module {
  Parameter pos_embedding;  // [1, S, E]
  Dropout dropout;
  Sequential layers;
  LayerNorm ln;
  NN_MEMBERS(pos_embedding, dropout, layers, ln)

  Encoder(int64_t seq_length, const VisionTransformerDesign& design, const VisionTransformerOptions& options);
  // x [N, S, E] of this very S; throws for another.
  Tensor forward(const Tensor& x) const;
};

// x [N, 3, image_size, image_size] -> scores [N, num_classes]. For another task:
// net.heads[0] = nn::Linear(768, 10).
struct VisionTransformer : Module {
  Parameter class_token;  // [1, 1, hidden_dim]
  Conv2d conv_proj;
  Encoder encoder;
  Replaceable<Sequential> heads{Sequential()};
  NN_MEMBERS(class_token, conv_proj, encoder, heads)

  // Throws when the patches do not tile the picture.
  explicit VisionTransformer(const VisionTransformerDesign& design,
                             const VisionTransformerOptions& options = {});
  Tensor forward(const Tensor& x) const;
  int64_t image_size() const { return image_size_; }

 private:
  int64_t image_size_;
};

VisionTransformer vit_b_16(const VisionTransformerOptions& options = {});
VisionTransformer vit_b_32(const VisionTransformerOptions& options = {});
VisionTransformer vit_l_16(const VisionTransformerOptions& options = {});
VisionTransformer vit_l_32(const VisionTransformerOptions& options = {});
VisionTransformer vit_h_14(const VisionTransformerOptions& options = {});

// A trained network's state dict for pictures of another size: the grid of position embeddings, bicubically
// to image_size / patch_size in each direction; that of the class token stays. reset_heads leaves the heads
// out. Throws when there is no "encoder.pos_embedding" of a square grid.
StateDict interpolate_embeddings(int64_t image_size, int64_t patch_size, const StateDict& state,
                                 bool reset_heads = false);

}  // namespace kiln::nn::models
