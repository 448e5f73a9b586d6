#include <cmath>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln {

using namespace autograd;

namespace {

void check(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
           const AttentionOptions& options) {
  const char* const op = "scaled_dot_product_attention";
  if (query.shape().back() != key.shape().back())
    fail("{}: query and key must have as many features, got {} and {}", op, query.shape(), key.shape());
  if (key.size(-2) != value.size(-2))
    fail("{}: key and value must have as many rows, got {} and {}", op, key.shape(), value.shape());
  if (options.is_causal && mask.defined())
    fail("{}: attn_mask and is_causal exclude each other; put both into the mask", op);
}

// The lower triangle, of bools.
Tensor causal_mask(int64_t rows, int64_t columns, Device device) {
  const TensorOptions options{.dtype = int64, .device = device};
  return unsqueeze(arange(0, rows, 1, options), 1) >= arange(0, columns, 1, options);
}

// Finite, so that a row of nothing else has a softmax; its exponential is 0 beside any score.
double lowest(DType dtype) { return dtype == float16 ? -65504 : -1e38; }

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& queries, const Tensor& keys, const Tensor& values,
                                    const Tensor& attn_mask, const AttentionOptions& options) {
  Op op("scaled_dot_product_attention");
  constexpr Form kRows{2, kMaxRank, "[...,L,E]"};
  const Tensor& query = op.operand("query", queries, Kind::floating, kRows);
  const Tensor& key = op.operand("key", keys, Kind::floating, kRows);
  const Tensor& value = op.operand("value", values, Kind::floating, kRows);
  op.optional("attn_mask", attn_mask);
  op.attribute("dropout_p", options.dropout_p);
  op.attribute("is_causal", options.is_causal);
  check(query, key, value, attn_mask, options);
  const double scale = options.scale.value_or(1 / std::sqrt(double(query.shape().back())));
  op.attribute("scale", scale);

  const Tensor scores = matmul(query * scale, transpose(key, -2, -1));
  const Tensor mask =
      options.is_causal ? causal_mask(query.size(-2), key.size(-2), query.device()) : attn_mask;
  const bool excludes = mask.defined() && mask.dtype() == bool8;
  const Tensor masked = excludes         ? where(mask, scores, lowest(scores.dtype()))
                        : mask.defined() ? (scores + mask).to(scores.dtype())
                                         : scores;
  Tensor weights = softmax(masked, -1);
  if (excludes) weights = masked_fill(weights, logical_not(any(mask, -1, true)), 0);
  if (options.dropout_p > 0) weights = dropout(weights, options.dropout_p);
  return op.result(matmul(weights, value));
}

}  // namespace kiln
