#include <doctest/doctest.h>
#include <support/check_op.h>

#include <cmath>

using namespace kiln;
using test::check_op;

namespace {

struct Row {
  std::vector<Shape> shapes;  // query, key, value and perhaps a mask
  AttentionOptions options = {};
};

// One query after the other. The operands have 3 dimensions; the mask two, of numbers.
Tensor naive(const Tensors& in, const Row& row) {
  const int64_t batch = in[0].size(0), rows = in[0].size(1), width = in[0].size(2), keys = in[1].size(1),
                features = in[2].size(2);
  const auto at = [](const Tensor& x, int64_t i) { return x.to(cpu).contiguous().data<double>()[i]; };
  std::vector<double> y(size_t(batch * rows * features), 0);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t l = 0; l < rows; ++l) {
      std::vector<double> weights;
      double total = 0;
      for (int64_t s = 0; s < keys; ++s) {
        double score = 0;
        for (int64_t e = 0; e < width; ++e)
          score += at(in[0], (n * rows + l) * width + e) * at(in[1], (n * keys + s) * width + e);
        score *= row.options.scale.value_or(1 / std::sqrt(double(width)));
        if (in.size() > 3) score += at(in[3], l * keys + s);
        weights.push_back(row.options.is_causal && s > l ? 0 : std::exp(score));
        total += weights.back();
      }
      for (int64_t s = 0; s < keys; ++s)
        for (int64_t v = 0; v < features; ++v)
          y[size_t((n * rows + l) * features + v)] +=
              weights[size_t(s)] / total * at(in[2], (n * keys + s) * features + v);
    }
  return from_values(y, {batch, rows, features});
}

}  // namespace

TEST_CASE("scaled_dot_product_attention") {
  check_op<Row>({
      .name = "scaled_dot_product_attention",
      .op =
          [](const Tensors& in, const Row& row) {
            return scaled_dot_product_attention(in[0], in[1], in[2], in.size() > 3 ? in[3] : Tensor(),
                                                row.options);
          },
      .reference = naive,
      .rows = {{{{2, 3, 4}, {2, 5, 4}, {2, 5, 3}}},
               {{{2, 3, 4}, {2, 5, 4}, {2, 5, 3}, {3, 5}}},
               {{{2, 4, 3}, {2, 4, 3}, {2, 4, 3}}, {.is_causal = true}},
               {{{1, 3, 4}, {1, 2, 4}, {1, 2, 3}}, {.scale = 0.3}}},
      .tolerance = 2,  // the products of halves are rounded before the softmax, and behind it
  });
}

TEST_CASE("attention: bool masks, rows without keys, large scores, dropout, errors") {
  const Tensor q = randn({2, 3, 4}).requires_grad_(), k = randn({2, 5, 4}), v = randn({2, 5, 2});
  const Tensor mask = tensor({{true, false, true, true, false},
                              {false, false, false, false, false},
                              {true, true, true, true, true}});
  const Tensor y = scaled_dot_product_attention(q, k, v, mask);
  const Tensor numbers = where(mask, zeros({3, 5}), -INFINITY);
  const Tensor other = scaled_dot_product_attention(q, k, v, numbers);
  for (const int64_t row : {0, 2}) CHECK(allclose(y.select(1, row), other.select(1, row), 1e-5, 1e-6));
  CHECK((y.select(1, 1) == 0).all().item<bool>());
  y.sum().backward();
  CHECK(isfinite(q.grad()).all().item<bool>());
  CHECK(isfinite(scaled_dot_product_attention(q * 1e4, k, v)).all().item<bool>());
  Generator& generator = default_generator();
  generator.manual_seed(3);
  CHECK(!equal(scaled_dot_product_attention(q, k, v, {}, {.dropout_p = 0.5}),
               scaled_dot_product_attention(q, k, v)));
  test::expect_error("query and key must have as many features, got [2,3,4] and [2,5,2]",
                     [&] { scaled_dot_product_attention(q, v, v); });
  test::expect_error("key and value must have as many rows", [&] {
    scaled_dot_product_attention(q, k, ones({2, 4, 2}));
  });
  test::expect_error("attn_mask and is_causal exclude each other",
                     [&] { scaled_dot_product_attention(q, k, v, mask, {.is_causal = true}); });
}

TEST_CASE("normalize") {
  struct Options {
    std::vector<Shape> shapes;
    double p;
    int dim;
  };
  check_op<Options>({
      .name = "normalize",
      .op = [](const Tensors& in, const Options& row) { return normalize(in[0], row.p, row.dim); },
      .rows = {{{{3, 4}}, 2, 1}, {{{2, 3, 4}}, 1, -1}, {{{2, 3}}, 3, 0}},
  });
  CHECK(allclose(normalize(tensor({{3.f, 4.f}, {0.f, 0.f}})), tensor({{0.6f, 0.8f}, {0.f, 0.f}})));
}
