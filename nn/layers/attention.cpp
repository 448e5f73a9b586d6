#include <kiln/nn/layers/attention.h>

#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/nn/init.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

namespace {

void check(int64_t embed_dim, int64_t num_heads, const MultiheadAttentionOptions& options) {
  if (embed_dim < 1 || num_heads < 1 || embed_dim % num_heads != 0)
    fail("MultiheadAttention: num_heads must divide embed_dim, got {} and {}", num_heads, embed_dim);
  if (options.add_bias_kv) fail("MultiheadAttention: add_bias_kv is not supported");
  if (options.add_zero_attn) fail("MultiheadAttention: add_zero_attn is not supported");
  for (const int64_t dim : {options.kdim, options.vdim})
    if (dim != 0 && dim != embed_dim)
      fail("MultiheadAttention: kdim and vdim other than embed_dim are not supported, got {} for {}", dim,
           embed_dim);
}

int64_t three_times(int64_t embed_dim) {
  int64_t rows = 0;
  if (__builtin_mul_overflow(embed_dim, 3, &rows))
    fail("MultiheadAttention: embed_dim {} is too large", embed_dim);
  return rows;
}

// A mask of what may not be looked at as one of what may, or numbers as they are.
Tensor allowed(const Tensor& mask) { return mask.dtype() == bool8 ? logical_not(mask) : mask; }

Tensor both(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() ? a : b;
  if (a.dtype() == bool8 && b.dtype() == bool8) return logical_and(a, b);
  const auto numbers = [](const Tensor& x, const Tensor& other) {
    return x.dtype() == bool8 ? where(x, zeros({}, like(other)), -INFINITY) : x;
  };
  return numbers(a, b) + numbers(b, a);
}

}  // namespace

MultiheadAttention::MultiheadAttention(int64_t embed_dim, int64_t num_heads,
                                       const MultiheadAttentionOptions& options)
    : out_proj((check(embed_dim, num_heads, options), embed_dim), embed_dim,
               LinearOptions{.bias = options.bias}),
      num_heads_(num_heads),
      options_(options) {
  in_proj_weight = Parameter(empty({three_times(embed_dim), embed_dim}));
  if (options.bias) in_proj_bias = Parameter(empty({three_times(embed_dim)}));
  MultiheadAttention::reset_parameters();
}

void MultiheadAttention::reset_parameters() {
  init::xavier_uniform_(in_proj_weight);
  if (!in_proj_bias.defined()) return;
  init::zeros_(in_proj_bias);
  init::zeros_(out_proj.bias);
}

MultiheadAttention::Heads MultiheadAttention::heads_of(const Tensor& query, const Tensor& key,
                                                       const Tensor& value,
                                                       const AttentionMasks& masks) const {
  for (const Tensor* x : {&query, &key, &value})
    if (!x->defined() || x->dim() != query.dim() || (x->dim() != 2 && x->dim() != 3))
      fail("MultiheadAttention: query, key and value must all be {}, or all [L,E]",
           options_.batch_first ? "[N,L,E]" : "[L,N,E]");
  const int64_t features = embed_dim() / num_heads_;
  const auto batch_first = [&](const Tensor& x) {
    if (x.dim() == 2) return unsqueeze(x, 0);
    return options_.batch_first ? x : transpose(x, 0, 1);
  };
  // [N, rows, parts * E] -> parts of [N, num_heads, rows, features]
  const auto project = [&](const Tensor& x, int64_t first, int64_t parts) {
    const Tensor bias =
        in_proj_bias.defined() ? narrow(in_proj_bias, 0, first * embed_dim(), parts * embed_dim()) : Tensor();
    const Tensor y =
        linear(batch_first(x), narrow(in_proj_weight, 0, first * embed_dim(), parts * embed_dim()), bias);
    return unbind(permute(reshape(y, {y.size(0), y.size(1), parts, num_heads_, features}), {2, 0, 3, 1, 4}));
  };
  Heads heads;
  if (query.is_same(key) && key.is_same(value)) {
    const Tensors all = project(query, 0, 3);
    heads = {all[0], all[1], all[2], {}};
  } else if (key.is_same(value)) {
    const Tensors more = project(key, 1, 2);
    heads = {project(query, 0, 1)[0], more[0], more[1], {}};
  } else {
    heads = {project(query, 0, 1)[0], project(key, 1, 1)[0], project(value, 2, 1)[0], {}};
  }
  if (masks.attn_mask.defined()) {
    heads.mask = allowed(masks.attn_mask);
    if (heads.mask.dim() == 3)
      heads.mask =
          reshape(heads.mask, {heads.query.size(0), num_heads_, heads.mask.size(1), heads.mask.size(2)});
  }
  if (masks.key_padding_mask.defined()) {
    Tensor keys = allowed(masks.key_padding_mask);
    if (keys.dim() == 1) keys = unsqueeze(keys, 0);
    heads.mask = both(heads.mask, unsqueeze(unsqueeze(keys, 1), 1));
  }
  return heads;
}

AttentionOptions MultiheadAttention::call_options() const {
  AttentionOptions options;
  if (is_training()) options.dropout_p = options_.dropout;
  return options;
}

// [N, num_heads, L, features] -> [L, N, E], or as the call came.
Tensor MultiheadAttention::joined(const Tensor& heads, bool batched) const {
  const Tensor y = out_proj(
      reshape(transpose(heads, 1, 2), {heads.size(0), heads.size(2), heads.size(1) * heads.size(3)}));
  if (!batched) return squeeze(y, 0);
  return options_.batch_first ? y : transpose(y, 0, 1);
}

Tensor MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const AttentionMasks& masks) const {
  const Heads heads = heads_of(query, key, value, masks);
  const Tensor y =
      scaled_dot_product_attention(heads.query, heads.key, heads.value, heads.mask, call_options());
  return joined(y, query.dim() == 3);
}

std::pair<Tensor, Tensor> MultiheadAttention::forward_with_weights(const Tensor& query, const Tensor& key,
                                                                   const Tensor& value,
                                                                   const AttentionMasks& masks) const {
  const Heads heads = heads_of(query, key, value, masks);
  // The weights are what attention makes of the unit matrix.
  const Tensor unit = eye(heads.key.size(2), -1, like(heads.key));
  const Tensor weights = scaled_dot_product_attention(
      heads.query, heads.key, expand(unit, {heads.key.size(0), num_heads_, unit.size(0), unit.size(1)}),
      heads.mask, call_options());
  const Tensor average = mean(weights, {1});
  return {joined(matmul(weights, heads.value), query.dim() == 3),
          query.dim() == 3 ? average : squeeze(average, 0)};
}

int64_t MultiheadAttention::flops(const Tensors& inputs, const Tensors&) const {
  if (inputs.size() < 3) return 0;
  const int64_t width = embed_dim(), queries = inputs[0].numel() / width, keys = inputs[1].numel() / width,
                values = inputs[2].numel() / width;
  const int batch_dim = options_.batch_first ? 0 : 1;
  const int64_t batch = inputs[0].dim() == 3 ? inputs[0].size(batch_dim) : 1;
  const int64_t looks = batch == 0 ? 0 : queries * (keys / batch);
  return 2 * width * width * (queries + keys + values) + 4 * width * looks;
}

}  // namespace kiln::nn
