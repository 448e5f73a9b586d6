#include "rows.h"

#include <cmath>

namespace kiln::walk {
namespace {

using Ends = std::vector<std::function<void(const Tensors&)>>;

Rows convolutions() {
  const Tensor x = values({2, 3, 5, 5}), w = values({4, 3, 3, 3}), b = values({4});
  const Tensor g = values({2, 4, 3, 3});
  Ends ends;
  for (const int64_t end : {kMost, kLeast, kMost / 2, int64_t(1) << 32})
    for (const Conv2dOptions& options :
         {Conv2dOptions{.stride = end}, Conv2dOptions{.padding = end}, Conv2dOptions{.dilation = end},
          Conv2dOptions{.groups = end}, Conv2dOptions{.stride = end, .padding = end, .dilation = end}})
      ends.push_back([options](const Tensors& in) { conv2d(in[0], in[1], {}, options); });
  return {
      with_ends({"conv2d", {x, w, b}, [](const Tensors& in) { return Tensors{conv2d(in[0], in[1], in[2])}; }},
                ends),
      {"conv2d",
       {x, w, b},
       [](const Tensors& in) { return Tensors{conv2d(in[0], in[1], in[2], {.relu = true})}; }},
      with_ends(two(
                    "conv2d_input_grad",
                    [](auto& y, auto& k) {
                      return conv2d_input_grad(y, k, {2, 3, 5, 5}, {});
                    },
                    g, w),
                {[](const Tensors& in) {
                   conv2d_input_grad(in[0], in[1], {2, 3, kMost, 5}, {});
                 },
                 [](const Tensors& in) {
                   conv2d_input_grad(in[0], in[1], {2, 3, kLeast, 5}, {});
                 }}),
      with_ends(two(
                    "conv2d_weight_grad",
                    [](auto& y, auto& k) {
                      return conv2d_weight_grad(y, k, {4, 3, 3, 3}, {});
                    },
                    g, x),
                {[](const Tensors& in) {
                   conv2d_weight_grad(in[0], in[1], {kMost, 3, 3, 3}, {});
                 },
                 [](const Tensors& in) {
                   conv2d_weight_grad(in[0], in[1], {4, 3, kLeast, 3}, {});
                 }}),
  };
}

Rows paddings() {
  Ends pads, pools, averages, adaptive;
  for (const int64_t end : {kMost, kLeast, kMost / 2, int64_t(1) << 40})
    for (const PaddingMode mode :
         {PaddingMode::zeros, PaddingMode::reflect, PaddingMode::replicate, PaddingMode::circular})
      for (int side = 0; side < 2; ++side)
        pads.push_back([=](const Tensors& in) {
          pad2d(in[0], side == 0 ? end : 1, side == 1 ? end : 1, end, side == 0 ? 1 : end, mode);
        });
  for (const int64_t end : {kMost, kLeast, kMost / 2, int64_t(1) << 32}) {
    for (const Pool2dOptions& options :
         {Pool2dOptions{.stride = end}, Pool2dOptions{.padding = end}, Pool2dOptions{.dilation = end},
          Pool2dOptions{.stride = end, .ceil_mode = true}}) {
      pools.push_back([=](const Tensors& in) { max_pool2d(in[0], 2, options); });
      averages.push_back([=](const Tensors& in) { avg_pool2d(in[0], 2, options); });
      pools.push_back([=](const Tensors& in) { max_pool2d(in[0], end, options); });
      averages.push_back([=](const Tensors& in) { avg_pool2d(in[0], end, options); });
    }
    adaptive.push_back([=](const Tensors& in) { adaptive_avg_pool2d(in[0], end); });
  }
  const Shape image{2, 3, 4, 4};
  return {
      with_ends(one(
                    "pad2d", [](auto& x) { return pad2d(x, 1, 1, 1, 0, PaddingMode::reflect); }, image),
                pads),
      with_ends(one(
                    "max_pool2d", [](auto& x) { return max_pool2d(x, 2); }, image),
                pools),
      with_ends(one(
                    "avg_pool2d", [](auto& x) { return avg_pool2d(x, 2); }, image),
                averages),
      with_ends(one(
                    "adaptive_avg_pool2d", [](auto& x) { return adaptive_avg_pool2d(x, 3); }, image),
                adaptive),
  };
}

Rows attentions_and_resamplings() {
  Ends sizes;
  for (const int64_t end : {kMost, kLeast, kMost / 2, int64_t(1) << 40, int64_t(0)})
    sizes.push_back([=](const Tensors& in) { interpolate(in[0], {.size = end}); });
  for (const double factor : {0.0, -1.0, 1e300, 1e-300, double(NAN)})
    sizes.push_back([=](const Tensors& in) { interpolate(in[0], {.scale_factor = factor}); });
  return {
      with_ends(
          one("interpolate",
              [](auto& x) { return interpolate(x, {.size = Pair(5, 7), .mode = InterpolateMode::bicubic}); },
              {2, 3, 4, 4}),
          sizes),
      {"scaled_dot_product_attention",
       {values({2, 3, 4}), values({2, 5, 4}), values({2, 5, 2})},
       [](const Tensors& in) { return Tensors{scaled_dot_product_attention(in[0], in[1], in[2])}; }},
      with_ends(one("normalize", [](auto& x) { return normalize(x); }),
                {[](const Tensors& in) { normalize(in[0], 2, INT32_MAX); },
                 [](const Tensors& in) { normalize(in[0], 2, INT32_MIN); }}),
  };
}

}  // namespace

Rows network_rows() {
  Rows rows = convolutions();
  for (const Rows& more : {paddings(), attentions_and_resamplings()})
    rows.insert(rows.end(), more.begin(), more.end());
  const Tensor x = values({4, 3, 2, 2}), c = values({3}, 0.5, 2);
  const Rows rest = {
      {"linear",
       {values({5, 4}), values({3, 4}), values({3})},
       [](const Tensors& in) { return Tensors{linear(in[0], in[1], in[2])}; }},
      {"batch_norm",
       {x, c, values({3}), values({3}), c},
       [](const Tensors& in) { return Tensors{batch_norm(in[0], in[1], in[2], in[3], in[4])}; }},
      {"batch_norm",
       {x, c, values({3}), values({4, 3, 2, 2}, 1, 2)},
       [](const Tensors& in) {
         return Tensors{batch_norm(in[0], in[1], in[2], {}, {}, {.training = true, .relu = true}, in[3])};
       }},
      with_ends({"layer_norm",
                 {values({3, 4}), values({4}, 0.5, 2), values({4})},
                 [](const Tensors& in) { return Tensors{layer_norm(in[0], {4}, in[1], in[2])}; }},
                {[](const Tensors& in) { layer_norm(in[0], {kMost}); },
                 [](const Tensors& in) { layer_norm(in[0], {}); },
                 [](const Tensors& in) {
                   layer_norm(in[0], {1, 1, 3, 4});
                 }}),
      with_ends(one("channel_shuffle", [](auto& v) { return channel_shuffle(v, 2); }, {2, 4, 2, 2}),
                {[](const Tensors& in) { channel_shuffle(in[0], 0); },
                 [](const Tensors& in) { channel_shuffle(in[0], kMost); },
                 [](const Tensors& in) { channel_shuffle(in[0], kLeast); }}),
      one("stochastic_depth", [](auto& v) { return stochastic_depth(v, 0.4, StochasticDepthMode::row); }),
      one("dropout", [](auto& v) { return dropout(v, 0.4); }),
  };
  rows.insert(rows.end(), rest.begin(), rest.end());
  return rows;
}

}  // namespace kiln::walk
