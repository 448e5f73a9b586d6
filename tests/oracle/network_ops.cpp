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
