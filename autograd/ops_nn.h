#pragma once

#include <limits>
#include <optional>

#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/interpolate_mode.h>
#include <kiln/tensor/padding_mode.h>
#include <kiln/tensor/random.h>
#include <kiln/tensor/tensor.h>

// The ops of neural networks: convolution, pooling, normalisation, dropout, losses (PyTorch's
// torch.nn.functional).

namespace kiln {

// ---- convolution (autograd/ops/conv/conv2d.cpp) ----

struct Conv2dOptions {
  Pair stride = 1;
  Pair padding = 0;  // zeros on both sides
  Pair dilation = 1;
  int64_t groups = 1;
  bool relu = false;  // max(0, .) of the result, on CUDA in the same pass
};
// x [N,C,H,W], weight [K,C/groups,R,S], bias [K] or undefined -> [N,K,P,Q].
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});
// The gradients of conv2d, ops themselves. `shape` is that of x, or of weight; `order` the memory order that
// the gradient of weight gets.
Tensor conv2d_input_grad(const Tensor& g, const Tensor& weight, const Shape& shape,
                         const Conv2dOptions& options);
Tensor conv2d_weight_grad(const Tensor& g, const Tensor& x, const Shape& shape, const Conv2dOptions& options,
                          MemoryFormat order = MemoryFormat::contiguous);
// Pads the last two dimensions, as (left, right, top, bottom). Negative padding, with zeros only, crops.
Tensor pad2d(const Tensor& x, int64_t left, int64_t right, int64_t top, int64_t bottom,
             PaddingMode mode = PaddingMode::zeros, double value = 0);

// ---- pooling (autograd/ops/conv/pool2d.cpp) ----

struct Pool2dOptions {
  Pair stride = 0;  // 0: the kernel's size
  Pair padding = 0;
  Pair dilation = 1;  // max pooling only
  bool ceil_mode = false;
  bool count_include_pad = true;  // average pooling only
};
Tensor max_pool2d(const Tensor& x, Pair kernel, const Pool2dOptions& options = {});
Tensor avg_pool2d(const Tensor& x, Pair kernel, const Pool2dOptions& options = {});
Tensor adaptive_avg_pool2d(const Tensor& x, Pair output);

// The channels of `groups` dealt out in turn: channel i * groups + g of the result is channel g * C/groups +
// i of x [N,C,...] (Zhang et al., "ShuffleNet", 2018).
Tensor channel_shuffle(const Tensor& x, int64_t groups);

// ---- resampling (autograd/ops/resample/interpolate.cpp) ----

struct InterpolateOptions {
  std::optional<Pair> size = {};            // of the result, or
  std::optional<double> scale_factor = {};  // of both sides
  InterpolateMode mode = InterpolateMode::nearest;
  bool align_corners = false;  // bilinear and bicubic: the first and last elements stay where they are
  bool antialias = false;      // bilinear and bicubic: smaller results average over what they stand for
};
// The images of x [N,C,H,W] in another size, in x's memory order. On a GPU its weights are copied there in
// each call, which a capture refuses.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);

// ---- attention (autograd/compositions/attention.cpp) ----

struct AttentionOptions {
  double dropout_p = 0;              // of the weights
  bool is_causal = false;            // query i sees keys 0 .. i
  std::optional<double> scale = {};  // of the products; none: 1 / sqrt(E)
};
// softmax(query key^T * scale) value, for query [...,L,E], key [...,S,E], value [...,S,Ev] -> [...,L,Ev]
// (Vaswani et al., "Attention is all you need", 2017). attn_mask broadcasts to [...,L,S]: bools say where to
// look, numbers are added to the products. A query that may look nowhere gets zeros.
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const Tensor& attn_mask = {}, const AttentionOptions& options = {});

// ---- normalisation (autograd/ops/norm/batch_norm.cpp, layer_norm.cpp) ----

struct BatchNormOptions {
  bool training = false;
  double momentum = 0.1;  // running = (1 - momentum) * running + momentum * batch
  double eps = 1e-5;
  bool relu = false;                                          // max(0, .) fused into the same pass
  double relu_max = std::numeric_limits<double>::infinity();  // the end of the fused relu: 6 makes a ReLU6
};
// x [N,C] or [N,C,L] or [N,C,H,W]; weight, bias [C] or undefined; running_mean, running_var [C] or undefined,
// updated in place when training, as is num_batches_tracked (one int64, or undefined): += 1. `residual` (x's
// shape, or undefined) is added before the fused relu: one pass over memory instead of three.
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, const BatchNormOptions& options = {},
                  const Tensor& residual = {}, const Tensor& num_batches_tracked = {});
// Over the last dimensions, those of `shape`.
Tensor layer_norm(const Tensor& x, const Shape& shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

// x / max(norm, eps), the p-norm being over dim (autograd/compositions/normalize.cpp).
Tensor normalize(const Tensor& x, double p = 2, int dim = 1, double eps = 1e-12);

// ---- dropout (autograd/ops/elementwise/dropout.cpp) ----

// Zeroes with probability p and scales the rest by 1/(1-p) when training.
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true, Generator* generator = nullptr);

// ---- stochastic depth (autograd/compositions/stochastic_depth.cpp) ----

enum class StochasticDepthMode : uint8_t { row, batch };
// Zeroes whole samples (row), or all of x at once (batch), with probability p, and scales the rest by 1/(1-p)
// when training (Huang et al., "Deep networks with stochastic depth", 2016; torchvision.ops).
Tensor stochastic_depth(const Tensor& x, double p, StochasticDepthMode mode, bool training = true,
                        Generator* generator = nullptr);

// ---- losses (autograd/ops/softmax/cross_entropy.cpp, losses.cpp) ----

enum class Reduction : uint8_t { mean, sum, none };

struct CrossEntropyOptions {
  Tensor weight;  // [C], or undefined
  int64_t ignore_index = -100;
  double label_smoothing = 0;
  Reduction reduction = Reduction::mean;
};
// x [N,C] or [C] or [N,C,d1,...]: scores; target: class indices (int64) or probabilities of x's shape. One
// fused pass for rows of indices.
Tensor cross_entropy(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options = {});
struct NllOptions {
  Tensor weight;
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
};
// x: log-probabilities.
Tensor nll_loss(const Tensor& x, const Tensor& target, const NllOptions& options = {});
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta = 1,
                      Reduction reduction = Reduction::mean);
struct BceOptions {
  Tensor weight;      // broadcast to x, or undefined
  Tensor pos_weight;  // with logits only
  Reduction reduction = Reduction::mean;
};
// x: probabilities; their logarithms are clamped to at least -100, as in PyTorch.
Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const BceOptions& options = {});
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BceOptions& options = {});

}  // namespace kiln
