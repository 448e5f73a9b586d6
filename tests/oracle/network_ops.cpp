#include <oracle/call.h>

namespace kiln::oracle {
namespace {

Reduction reduction_of(const Call& c) {
  if (!c.has("reduction") || c.text("reduction") == "mean") return Reduction::mean;
  return c.text("reduction") == "sum" ? Reduction::sum : Reduction::none;
}

Pool2dOptions pool_options(const Call& c) {
  return {.stride = c.pair("stride", 0),
          .padding = c.pair("padding", 0),
          .dilation = c.pair("dilation", 1),
          .ceil_mode = c.flag("ceil_mode"),
          .count_include_pad = c.flag("count_include_pad", true)};
}

PaddingMode padding_mode(const Call& c) {
  const std::string mode = c.has("mode") ? c.text("mode") : "constant";
  if (mode == "reflect") return PaddingMode::reflect;
  if (mode == "replicate") return PaddingMode::replicate;
  return mode == "circular" ? PaddingMode::circular : PaddingMode::zeros;
}

// The running statistics are outputs, too: PyTorch's were updated in place.
Tensors run_batch_norm(const Call& c) {
  const Tensor mean = c.in(3).defined() ? c.in(3).clone() : Tensor(),
               var = c.in(4).defined() ? c.in(4).clone() : Tensor();
  const BatchNormOptions options = {.training = c.flag("training"),
                                    .momentum = c.real("momentum", 0.1),
                                    .eps = c.real("eps", 1e-5),
                                    .relu = c.flag("relu")};
  const Tensor y = batch_norm(c.in(0), c.in(1), c.in(2), mean, var, options, c.in(5));
  return {y, mean, var};
}

InterpolateMode interpolate_mode(const Call& c) {
  const std::string mode = c.text("mode");
  if (mode == "bilinear") return InterpolateMode::bilinear;
  if (mode == "bicubic") return InterpolateMode::bicubic;
  return mode == "nearest" ? InterpolateMode::nearest : InterpolateMode::nearest_exact;
}

Tensors run_interpolate(const Call& c) {
  InterpolateOptions options{.mode = interpolate_mode(c),
                             .align_corners = c.flag("align_corners"),
                             .antialias = c.flag("antialias")};
  if (c.has("size")) options.size = c.pair("size", 1);
  if (c.has("scale_factor")) options.scale_factor = c.real("scale_factor");
  return {interpolate(c.in(0), options)};
}

Tensors run_attention(const Call& c) {
  AttentionOptions options;
  options.is_causal = c.flag("is_causal");
  return {scaled_dot_product_attention(c.in(0), c.in(1), c.in(2), c.in(3), options)};
}

// The weights are no operands here: their gradients are compared in tests/nn.
Tensors run_multihead_attention(const Call& c) {
  nn::MultiheadAttention net(c.in(0).shape().back(), c.integer("num_heads"),
                             {.batch_first = c.flag("batch_first")});
  net.load_state_dict({{"in_proj_weight", c.in(3)},
                       {"in_proj_bias", c.in(4)},
                       {"out_proj.weight", c.in(5)},
                       {"out_proj.bias", c.in(6)}});
  const nn::AttentionMasks masks{.key_padding_mask = c.in(7), .attn_mask = c.in(8)};
  const auto [y, weights] = net.forward_with_weights(c.in(0), c.in(1), c.in(2), masks);
  if (!allclose(net(c.in(0), c.in(1), c.in(2), masks), y, 1e-5, 1e-5))
    throw Error("oracle: forward differs from forward_with_weights");
  return {y, weights};
}

void add_layers(Table& table) {
  table["linear"] = [](const Call& c) { return Tensors{linear(c.in(0), c.in(1), c.in(2))}; };
  table["conv2d"] = [](const Call& c) {
    return Tensors{conv2d(c.in(0), c.in(1), c.in(2),
                          {.stride = c.pair("stride", 1),
                           .padding = c.pair("padding", 0),
                           .dilation = c.pair("dilation", 1),
                           .groups = c.integer("groups", 1)})};
  };
  table["pad2d"] = [](const Call& c) {
    const Dims p = c.dims("pad");
    return Tensors{pad2d(c.in(0), p[0], p[1], p[2], p[3], padding_mode(c), c.real("value"))};
  };
  table["max_pool2d"] = [](const Call& c) {
    return Tensors{max_pool2d(c.in(0), c.pair("kernel_size", 2), pool_options(c))};
  };
  table["avg_pool2d"] = [](const Call& c) {
    return Tensors{avg_pool2d(c.in(0), c.pair("kernel_size", 2), pool_options(c))};
  };
  table["adaptive_avg_pool2d"] = [](const Call& c) {
    return Tensors{adaptive_avg_pool2d(c.in(0), c.pair("output_size", 1))};
  };
  table["channel_shuffle"] = [](const Call& c) {
    return Tensors{channel_shuffle(c.in(0), c.integer("groups"))};
  };
  table["interpolate"] = run_interpolate;
  table["normalize"] = [](const Call& c) {
    return Tensors{normalize(c.in(0), c.real("p", 2), c.dim("dim", 1), c.real("eps", 1e-12))};
  };
  table["attention"] = run_attention;
  table["multihead_attention"] = run_multihead_attention;
  table["batch_norm"] = run_batch_norm;
  table["layer_norm"] = [](const Call& c) {
    return Tensors{layer_norm(c.in(0), c.dims("normalized_shape"), c.in(1), c.in(2), c.real("eps", 1e-5))};
  };
}

void add_losses(Table& table) {
  table["cross_entropy"] = [](const Call& c) {
    return Tensors{cross_entropy(c.in(0), c.in(1),
                                 {.weight = c.in(2),
                                  .ignore_index = c.integer("ignore_index", -100),
                                  .label_smoothing = c.real("label_smoothing"),
                                  .reduction = reduction_of(c)})};
  };
  table["nll_loss"] = [](const Call& c) {
    return Tensors{nll_loss(
        c.in(0), c.in(1),
        {.weight = c.in(2), .ignore_index = c.integer("ignore_index", -100), .reduction = reduction_of(c)})};
  };
  table["mse_loss"] = [](const Call& c) { return Tensors{mse_loss(c.in(0), c.in(1), reduction_of(c))}; };
  table["l1_loss"] = [](const Call& c) { return Tensors{l1_loss(c.in(0), c.in(1), reduction_of(c))}; };
  table["smooth_l1_loss"] = [](const Call& c) {
    return Tensors{smooth_l1_loss(c.in(0), c.in(1), c.real("beta", 1), reduction_of(c))};
  };
  table["bce"] = [](const Call& c) {
    return Tensors{binary_cross_entropy(c.in(0), c.in(1), {.weight = c.in(2), .reduction = reduction_of(c)})};
  };
  table["bce_with_logits"] = [](const Call& c) {
    return Tensors{binary_cross_entropy_with_logits(
        c.in(0), c.in(1), {.weight = c.in(2), .pos_weight = c.in(3), .reduction = reduction_of(c)})};
  };
}

}  // namespace

void add_network_ops(Table& table) {
  add_layers(table);
  add_losses(table);
}

}  // namespace kiln::oracle
