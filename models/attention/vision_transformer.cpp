#include <kiln/models/attention/vision_transformer.h>

#include <cmath>

#include <kiln/autograd/grad_mode.h>
#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/saturate.h>

namespace kiln::nn::models {

namespace {

constexpr LayerNormOptions kNorm{.eps = 1e-6};

int64_t patches_a_side(int64_t image_size, int64_t patch_size) {
  if (patch_size < 1 || image_size < patch_size || image_size % patch_size != 0)
    fail("VisionTransformer: image_size must be a multiple of the patch's {}, got {}", patch_size,
         image_size);
  return image_size / patch_size;
}

// Those of the patches and of the class token.
int64_t places(int64_t image_size, int64_t patch_size) {
  const int64_t side = patches_a_side(image_size, patch_size);
  return add_sat(mul_sat(side, side), 1);
}

}  // namespace

MLPBlock::MLPBlock(int64_t features, int64_t hidden, double dropout)
    : MLP(features, {hidden, features}, {.activation_layer = GELU(), .dropout = dropout}) {
  apply([](Module& module) {
    auto* linear = dynamic_cast<Linear*>(&module);
    if (linear == nullptr) return;
    init::xavier_uniform_(linear->weight);
    init::normal_(linear->bias, 0, 1e-6);
  });
}

EncoderBlock::EncoderBlock(int64_t num_heads, int64_t hidden_dim, int64_t mlp_dim, double dropout_prob,
                           double attention_dropout)
    : ln_1(Shape{hidden_dim}, kNorm),
      self_attention(hidden_dim, num_heads, {.dropout = attention_dropout, .batch_first = true}),
      dropout(dropout_prob),
      ln_2(Shape{hidden_dim}, kNorm),
      mlp(hidden_dim, mlp_dim, dropout_prob) {}

Tensor EncoderBlock::forward(const Tensor& x) const {
  const Tensor normal = ln_1(x);
  const Tensor y = x + dropout(self_attention(normal, normal, normal));
  return y + mlp(ln_2(y));
}

Encoder::Encoder(int64_t seq_length, const VisionTransformerDesign& design,
                 const VisionTransformerOptions& options)
    : pos_embedding(empty({1, seq_length, design.hidden_dim})),
      dropout(options.dropout),
      ln(Shape{design.hidden_dim}, kNorm) {
  init::normal_(pos_embedding, 0, 0.02);
  for (int64_t i = 0; i < design.num_layers; ++i)
    layers.push_back(fmt::format("encoder_layer_{}", i),
                     EncoderBlock(design.num_heads, design.hidden_dim, design.mlp_dim, options.dropout,
                                  options.attention_dropout));
}

Tensor Encoder::forward(const Tensor& x) const {
  if (x.dim() != 3 || x.size(1) != pos_embedding.size(1))
    fail("Encoder: x must be [N,{},{}], got {}", pos_embedding.size(1), pos_embedding.size(2), x.shape());
  return ln(layers(dropout(x + pos_embedding)));
}

VisionTransformer::VisionTransformer(const VisionTransformerDesign& design,
                                     const VisionTransformerOptions& options)
    : class_token(zeros({1, 1, design.hidden_dim})),
      conv_proj(3, design.hidden_dim, design.patch_size, {.stride = design.patch_size}),
      encoder(places(options.image_size, design.patch_size), design, options),
      image_size_(options.image_size) {
  heads->push_back("head", Linear(design.hidden_dim, options.num_classes));
  init::trunc_normal_(conv_proj.weight, 0,
                      std::sqrt(1 / (3 * double(design.patch_size) * double(design.patch_size))));
  init::zeros_(conv_proj.bias);
  init::zeros_(heads[0].as<Linear>().weight);
  init::zeros_(heads[0].as<Linear>().bias);
}

Tensor VisionTransformer::forward(const Tensor& x) const {
  if (x.dim() != 4 || x.size(2) != image_size_ || x.size(3) != image_size_)
    fail("VisionTransformer: x must be [N,3,{},{}], got {}; make it with another image_size", image_size_,
         image_size_, x.shape());
  const Tensor patches = flatten(conv_proj(x), 2).transpose(1, 2);
  const Tensor token = expand(class_token, {x.size(0), 1, class_token.size(2)});
  return heads(select(encoder(cat({token, patches}, 1)), 1, 0));
}

VisionTransformer vit_b_16(const VisionTransformerOptions& options) {
  return VisionTransformer({16, 12, 12, 768, 3072}, options);
}
VisionTransformer vit_b_32(const VisionTransformerOptions& options) {
  return VisionTransformer({32, 12, 12, 768, 3072}, options);
}
VisionTransformer vit_l_16(const VisionTransformerOptions& options) {
  return VisionTransformer({16, 24, 16, 1024, 4096}, options);
}
VisionTransformer vit_l_32(const VisionTransformerOptions& options) {
  return VisionTransformer({32, 24, 16, 1024, 4096}, options);
}
VisionTransformer vit_h_14(const VisionTransformerOptions& options) {
  return VisionTransformer({14, 32, 16, 1280, 5120}, options);
}

StateDict interpolate_embeddings(int64_t image_size, int64_t patch_size, const StateDict& state,
                                 bool reset_heads) {
  const NoGrad no_grad;
  const std::string key = "encoder.pos_embedding";
  const Tensor& positions = state.at(key);
  const int64_t side = patches_a_side(image_size, patch_size);
  const int64_t patches = positions.dim() == 3 ? positions.size(1) - 1 : -1;
  const int64_t old_side = std::llround(std::sqrt(double(std::max<int64_t>(patches, 0))));
  if (positions.dim() != 3 || positions.size(0) != 1 || old_side < 1 || old_side * old_side != patches)
    fail("interpolate_embeddings: {} must be [1, side * side + 1, E], got {}", key, positions.shape());
  Tensor moved = positions;
  if (side != old_side) {
    const int64_t features = positions.size(2);
    const Tensor grid = narrow(positions, 1, 1, patches).transpose(1, 2);
    const Tensor resized =
        interpolate(reshape(grid, {1, features, old_side, old_side}),
                    {.size = Pair(side), .mode = InterpolateMode::bicubic, .align_corners = true});
    moved = cat({narrow(positions, 1, 0, 1), flatten(resized, 2).transpose(1, 2)}, 1);
  }
  StateDict result;
  for (const auto& [name, x] : state)
    if (!reset_heads || !name.starts_with("heads")) result[name] = name == key ? moved : x;
  return result;
}

namespace {

Builder named(const char* name, VisionTransformer (*make)(const VisionTransformerOptions&)) {
  return {name, [make](const ModelOptions& given) {
            VisionTransformerOptions options;
            set(options.num_classes, given.num_classes);
            set(options.dropout, given.dropout);
            set(options.attention_dropout, given.attention_dropout);
            set(options.image_size, given.image_size);
            return make(options);
          }};
}

// Weights of before torchvision 0.13 call an MLPBlock's layers linear_1 and linear_2; those of pictures of
// another size have another number of positions.
void adapt(Module& module, StateDict& state) {
  auto& net = static_cast<VisionTransformer&>(module);
  StateDict renamed;
  for (const auto& [name, x] : state) {
    std::string key = name;
    for (const auto& [old_name, new_name] :
         {std::pair{".mlp.linear_1.", ".mlp.0."}, {".mlp.linear_2.", ".mlp.3."}})
      if (const size_t at = key.find(old_name); at != std::string::npos)
        key.replace(at, std::string_view(old_name).size(), new_name);
    renamed[key] = x;
  }
  const int64_t patch = net.conv_proj.kernel_size().h;
  const Tensor* positions = renamed.find("encoder.pos_embedding");
  if (positions != nullptr && positions->shape() != net.encoder.pos_embedding.shape())
    renamed = interpolate_embeddings(net.image_size(), patch, renamed);
  state = std::move(renamed);
}

}  // namespace

Family families::vision_transformer() {
  return {.type = "VisionTransformer",
          .heads = {"heads.head"},
          .options = {"dropout", "attention_dropout", "image_size"},
          .builders = {named("vit_b_16", vit_b_16), named("vit_b_32", vit_b_32), named("vit_l_16", vit_l_16),
                       named("vit_l_32", vit_l_32), named("vit_h_14", vit_h_14)},
          .adapt = adapt};
}

}  // namespace kiln::nn::models
