#include <kiln/kernels/elementwise/random.h>

#include <cmath>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops/operands.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/capture.h>

namespace kiln {

using autograd::Kind;
using autograd::Op;

namespace {

PhiloxStart draw(Generator* generator, int64_t words, Device device) {
  return draw(generator == nullptr ? default_generator() : *generator, words, device);
}

void check_options(const char* op, DType dtype) {
  if (!is_floating(dtype)) fail("{}: needs a floating-point dtype, got {}", op, dtype);
}

// Runs generate(ctx, y) on contiguous memory: values go by the row-major index, whatever x's memory order.
template <class F>
void generate_into(const Tensor& x, F&& generate) {
  if (x.is_contiguous()) return on(x.device(), [&](auto& ctx) { generate(ctx, x); });
  const Tensor y = empty(x.shape(), like(x));
  on(x.device(), [&](auto& ctx) {
    generate(ctx, y);
    kernels::copy(ctx, y, x);
  });
}

void fill_uniform(const Tensor& x, double low, double high, Generator* generator) {
  const PhiloxStart start = draw(generator, kernels::random_words(x.dtype(), x.numel()), x.device());
  generate_into(x, [&](auto& ctx, const Tensor& y) { kernels::uniform(ctx, start, low, high, y); });
}

void fill_normal(const Tensor& x, double mean, double std, Generator* generator) {
  const PhiloxStart start = draw(generator, kernels::random_words(x.dtype(), x.numel()), x.device());
  generate_into(x, [&](auto& ctx, const Tensor& y) { kernels::normal(ctx, start, mean, std, y); });
}

// What an integral type, or the exact integers of a floating one, can hold.
void check_range(int64_t low, int64_t last, DType dtype) {
  if (is_floating(dtype)) {
    for (const int64_t end : {low, last}) check_fits("randint", end, dtype);
    return;
  }
  const auto [least, most] = range_of(dtype);
  if (low < least || last > most) fail("randint: {} .. {} does not fit into {}", low, last, dtype);
}

}  // namespace

Tensor rand(const Shape& shape, const TensorOptions& options, Generator* generator) {
  Op op("rand");
  check_options("rand", options.dtype);
  const Tensor x = empty(shape, options);
  fill_uniform(x, 0, 1, generator);
  if (options.requires_grad) x.requires_grad_();
  return op.result(x);
}

Tensor randn(const Shape& shape, const TensorOptions& options, Generator* generator) {
  Op op("randn");
  check_options("randn", options.dtype);
  const Tensor x = empty(shape, options);
  fill_normal(x, 0, 1, generator);
  if (options.requires_grad) x.requires_grad_();
  return op.result(x);
}

Tensor rand_like(const Tensor& input) {
  Op op("rand_like");
  const Tensor y = empty_like(op.operand("x", input, Kind::floating));
  fill_uniform(y, 0, 1, nullptr);
  return op.result(y);
}

Tensor randn_like(const Tensor& input) {
  Op op("randn_like");
  const Tensor y = empty_like(op.operand("x", input, Kind::floating));
  fill_normal(y, 0, 1, nullptr);
  return op.result(y);
}

Tensor randint(int64_t low, int64_t high, const Shape& shape, TensorOptions options, Generator* generator) {
  Op op("randint");
  if (low >= high) fail("randint: low {} must be below high {}", low, high);
  if (options.dtype == bool8 || is_storage_only(options.dtype))
    fail("randint: {} tensors hold no integers to draw", options.dtype);
  check_range(low, high - 1, options.dtype);
  const Tensor x = empty(shape, options);
  const PhiloxStart start = draw(generator, 2 * x.numel(), x.device());
  generate_into(x, [&](auto& ctx, const Tensor& y) {
    kernels::integers(ctx, start, low, uint64_t(high) - uint64_t(low), y);
  });
  return op.result(x);
}

Tensor randperm(int64_t n, Generator* generator) {
  Op op("randperm");
  if (n < 0) fail("randperm: n must not be negative, got {}", n);
  const Tensor x = empty({n}, {.dtype = int64});
  const PhiloxStart start = draw(generator, 2 * n, x.device());
  on(x.device(), [&](auto& ctx) { kernels::permutation(ctx, start, x); });
  return op.result(x);
}

Tensor bernoulli(const Tensor& chance, Generator* generator) {
  Op op("bernoulli");
  const Tensor& p = op.operand("p", chance, Kind::floating);
  const Tensor chances = p.detach().contiguous(), y = empty(p.shape(), like(p));
  const PhiloxStart start = draw(generator, p.numel(), p.device());
  on(p.device(), [&](auto& ctx) { kernels::bernoulli(ctx, start, chances, y); });
  return op.record(y, [](const Tensor& g) { return zeros_like(g); });
}

const Tensor& Tensor::uniform_(double low, double high) const {
  Op op("uniform_");
  const Tensor& x = op.operand("x", *this, Kind::floating);
  if (!(low <= high)) fail("uniform_: low {} must not be above high {}", low, high);
  if (!std::isfinite(high - low)) fail("uniform_: the range {} .. {} must be finite", low, high);
  for (const double end : {low, high}) check_fits("uniform_", end, x.dtype());
  op.begin_write();
  fill_uniform(x, low, high, nullptr);
  op.record_write([](const Tensor& g) { return zeros_like(g); });
  return *this;
}

const Tensor& Tensor::normal_(double mean, double std) const {
  Op op("normal_");
  const Tensor& x = op.operand("x", *this, Kind::floating);
  if (!(std >= 0)) fail("normal_: std must not be negative, got {}", std);
  op.begin_write();
  fill_normal(x, mean, std, nullptr);
  op.record_write([](const Tensor& g) { return zeros_like(g); });
  return *this;
}

}  // namespace kiln
