// How kernels use memory, counted by the GPU sanitizer: part of its build only.

#include <doctest/doctest.h>
#include <sanitizer/traffic_counts.h>

#include <cstdio>

#include <kiln/kernels/conv/pad2d.h>
#include <kiln/kernels/conv/pool2d.h>
#include <kiln/kernels/elementwise/binary.h>
#include <kiln/kernels/elementwise/compare.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/elementwise/fill.h>
#include <kiln/kernels/elementwise/random.h>
#include <kiln/kernels/elementwise/unary.h>
#include <kiln/kernels/flat/flat.h>
#include <kiln/kernels/flat/optimizer.h>
#include <kiln/kernels/index/index.h>
#include <kiln/kernels/norm/batch_norm.h>
#include <kiln/kernels/norm/layer_norm.h>
#include <kiln/kernels/reduce/reduce.h>
#include <kiln/kernels/softmax/cross_entropy.h>
#include <kiln/kernels/softmax/losses.h>
#include <kiln/kernels/softmax/softmax.h>
#include <kiln/tensor/cuda/stream.h>

#include "both.h"
#include "sample.h"

using namespace kiln;
using test::on_cuda;

namespace {

enum class Kind {
  streaming,  // 16 bytes a thread
  single,     // single elements side by side, or packs of less on the side of a narrower type
};

CudaContext& context() { return CudaContext::current(); }

// The share of what a kernel moves that it has to: `bytes` is what it must read and write.
template <class F>
void measure(const char* name, Kind kind, int64_t bytes, F&& run) {
  constexpr double kLeast = 0.9, kSector = 32;
  cuda::synchronize();
  emulated::start_counting_traffic();
  run(context());
  cuda::synchronize();
  const emulated::TrafficCounts c = emulated::stop_counting_traffic();
  const double needed = double(bytes) / (kSector * double(c.distinct_sectors)),
               coalesced = double(c.ideal_sectors) / double(c.sectors),
               wide = double(c.wide_bytes) / double(c.bytes),
               banks = c.passes == 0 ? 1 : double(c.ideal_passes) / double(c.passes);
  std::printf("%-34s %9lld %6.2f %6.2f %6.2f %6.2f\n", name, static_cast<long long>(bytes), needed, coalesced,
              wide, banks);
  CAPTURE(std::string(name));
  CHECK(needed >= kLeast);
  CHECK(needed <= 1.02);  // else the declaration is wrong
  CHECK(coalesced >= kLeast);
  if (kind == Kind::streaming) CHECK(wide >= kLeast);
  CHECK(banks >= kLeast);
}

int64_t bytes_of(const Tensors& tensors) {
  int64_t bytes = 0;
  for (const Tensor& x : tensors) bytes += x.numel() * size_of(x.dtype());
  return bytes;
}

Tensor gpu_sample(const Shape& shape, DType dtype = float32) { return on_cuda(test::sample(shape, dtype)); }

Tensor channels_last(const Shape& shape, DType dtype = float32) {
  return on_cuda(contiguous(test::sample(shape, dtype), MemoryFormat::channels_last));
}

constexpr int64_t kCount = 1 << 16;

void elementwise(DType dtype, const char* copy, const char* unary, const char* binary) {
  const Tensor x = gpu_sample({kCount}, dtype), z = gpu_sample({kCount}, dtype),
               y = gpu_sample({kCount}, dtype);
  measure(copy, Kind::streaming, bytes_of({x, y}), [&](auto& ctx) { kernels::copy(ctx, x, y); });
  measure(unary, Kind::streaming, bytes_of({x, y}),
          [&](auto& ctx) { kernels::unary(ctx, kernels::UnaryOp::gelu, {}, x, y); });
  measure(binary, Kind::streaming, bytes_of({x, z, y}),
          [&](auto& ctx) { kernels::binary(ctx, kernels::BinaryOp::add, dtype, x, z, y); });
}

}  // namespace

TEST_CASE("coalescing: elementwise kernels") {
  std::printf("%-34s %9s %6s %6s %6s %6s\n", "kernel", "bytes", "needed", "sector", "wide", "banks");
  elementwise(float32, "copy", "unary gelu", "binary add");
  elementwise(bfloat16, "copy bf16", "unary gelu bf16", "binary add bf16");
  const Tensor x = gpu_sample({kCount}), z = gpu_sample({kCount}), y = gpu_sample({kCount}),
               half = gpu_sample({kCount}, float16), row = gpu_sample({256}), wide = gpu_sample({256, 256}),
               wide_out = gpu_sample({256, 256}), column = gpu_sample({256, 1}),
               mask = gpu_sample({kCount}, bool8);
  measure("fill", Kind::streaming, bytes_of({y}), [&](auto& ctx) { kernels::fill(ctx, 2, y); });
  measure("convert f32 to f16", Kind::single, bytes_of({x, half}),
          [&](auto& ctx) { kernels::copy(ctx, x, half); });
  measure("unary_backward tanh", Kind::streaming, bytes_of({x, z, y}),
          [&](auto& ctx) { kernels::unary_backward(ctx, kernels::UnaryOp::tanh, {}, x, z, y); });
  measure("binary mul by a number", Kind::streaming, bytes_of({x, y}),
          [&](auto& ctx) { kernels::binary(ctx, kernels::BinaryOp::mul, float32, x, Scalar(2.0), y); });
  measure("binary add a row", Kind::streaming, bytes_of({wide, row, wide_out}),
          [&](auto& ctx) { kernels::binary(ctx, kernels::BinaryOp::add, float32, wide, row, wide_out); });
  measure("binary add a column", Kind::streaming, bytes_of({wide, column, wide_out}),
          [&](auto& ctx) { kernels::binary(ctx, kernels::BinaryOp::add, float32, wide, column, wide_out); });
  measure("where", Kind::single, bytes_of({mask, x, z, y}),
          [&](auto& ctx) { kernels::where(ctx, mask, x, z, y); });
  measure("dropout", Kind::streaming, bytes_of({x, y}),
          [&](auto& ctx) { kernels::dropout(ctx, {}, 0.5, 2, x, y); });
  measure("uniform", Kind::streaming, bytes_of({y}), [&](auto& ctx) { kernels::uniform(ctx, {}, 0, 1, y); });
  measure("normal", Kind::streaming, bytes_of({y}), [&](auto& ctx) { kernels::normal(ctx, {}, 0, 1, y); });
}

TEST_CASE("coalescing: transposes") {
  for (const DType dtype : {float32, bfloat16, float64}) {
    const Tensor x = gpu_sample({256, 192}, dtype), y = gpu_sample({192, 256}, dtype);
    const char* name = dtype == float32 ? "transpose" : dtype == float64 ? "transpose f64" : "transpose bf16";
    measure(name, Kind::single, bytes_of({x, y}),
            [&](auto& ctx) { kernels::copy(ctx, transpose(x, 0, 1), y); });
  }
  const Tensor x = gpu_sample({4, 64, 16, 16}), y = channels_last({4, 64, 16, 16});
  measure("to channels-last", Kind::single, bytes_of({x, y}), [&](auto& ctx) { kernels::copy(ctx, x, y); });
}

TEST_CASE("coalescing: optimisers and flat memory") {
  const Tensor p = gpu_sample({kCount}), g = gpu_sample({kCount}), m = on_cuda(zeros({kCount})),
               v = on_cuda(zeros({kCount})), half = on_cuda(zeros({kCount}, {.dtype = bfloat16})),
               half_g = gpu_sample({kCount}, bfloat16);
  const auto float_of = [](const Tensor& x) { return static_cast<float*>(x.raw_data()); };
  const kernels::StepRun run{float32,      kCount,  p.raw_data(),
                             g.raw_data(), nullptr, {m.raw_data(), v.raw_data()}};
  measure("sgd", Kind::streaming, 12 * kCount, [&](auto& ctx) { kernels::sgd_step(ctx, {.lr = 0.1}, run); });
  measure("sgd momentum", Kind::streaming, 20 * kCount,
          [&](auto& ctx) { kernels::sgd_step(ctx, {.lr = 0.1, .momentum = 0.9}, run); });
  const kernels::AdamRule adam{.lr = 0.1, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .step = 1};
  measure("adam", Kind::streaming, 28 * kCount, [&](auto& ctx) { kernels::adam_step(ctx, adam, run); });
  const kernels::StepRun mixed{bfloat16,          kCount,      half.raw_data(),
                               half_g.raw_data(), float_of(p), {m.raw_data(), v.raw_data()}};
  // The halves go in packs of 8 bytes beside the masters' 16.
  measure("adam bf16", Kind::single, 28 * kCount, [&](auto& ctx) { kernels::adam_step(ctx, adam, mixed); });
  const Tensor norm = on_cuda(zeros({}, {.dtype = float64})), finite = on_cuda(zeros({}, {.dtype = bool8}));
  const kernels::FlatSpan spans[] = {{g.raw_data(), float32, kCount}};
  measure("flat_norm", Kind::streaming, 4 * kCount,
          [&](auto& ctx) { kernels::flat_norm(ctx, spans, 2, norm); });
  measure("flat_clip_norm", Kind::streaming, 8 * kCount,
          [&](auto& ctx) { kernels::flat_clip_norm(ctx, spans, 1e-3, norm); });
  measure("flat_all_finite", Kind::streaming, 4 * kCount,
          [&](auto& ctx) { kernels::flat_all_finite(ctx, spans, finite); });
}

namespace {

// Of a layer of ResNet-18 in channels-last order.
void batch_norm(DType dtype) {
  const auto image = [&] { return channels_last({8, 64, 28, 28}, dtype); };
  const Tensor x = image(), y = image(), more = image(), g = image(), passed = image(), dx = image(),
               mean = gpu_sample({64}), rstd = gpu_sample({64}), weight = gpu_sample({64}),
               bias = gpu_sample({64}), dw = gpu_sample({64}), db = gpu_sample({64});
  const Tensor none;
  const auto geometry = kernels::BatchNormGeometry::of(x.layout());
  const kernels::BatchNormVectors vectors{mean, rstd, weight, bias};
  const kernels::BatchNormRunning running{none, none, none, 0.1};
  const auto from_x = kernels::BatchNormMask::from_x, from_y = kernels::BatchNormMask::from_y;
  const auto name = [&](const char* what) {
    return std::string("batch_norm_") + what + (dtype == float32 ? "" : " bf16");
  };
  measure(name("train").c_str(), Kind::streaming, bytes_of({x, y}), [&](auto& ctx) {
    kernels::batch_norm_train(ctx, geometry, x, 1e-5, running, vectors, none, true, y);
  });
  measure(name("train + residual").c_str(), Kind::streaming, bytes_of({x, more, y}), [&](auto& ctx) {
    kernels::batch_norm_train(ctx, geometry, x, 1e-5, running, vectors, more, true, y);
  });
  measure(name("backward").c_str(), Kind::streaming, bytes_of({x, g, dx}), [&](auto& ctx) {
    kernels::batch_norm_backward(ctx, geometry, x, g, none, vectors, from_x, dw, db, none, dx);
  });
  // masked_g is written and read.
  measure(name("backward + residual").c_str(), Kind::streaming, bytes_of({x, g, y, passed, passed, dx}),
          [&](auto& ctx) {
            kernels::batch_norm_backward(ctx, geometry, x, g, y, vectors, from_y, dw, db, passed, dx);
          });
  measure(name("apply").c_str(), Kind::streaming, bytes_of({x, y}),
          [&](auto& ctx) { kernels::batch_norm_apply(ctx, geometry, x, vectors, none, true, y); });
  measure(name("statistics").c_str(), Kind::streaming, bytes_of({x}),
          [&](auto& ctx) { kernels::batch_norm_statistics(ctx, geometry, x, 1e-5, running, mean, rstd); });
  measure(name("sums").c_str(), Kind::streaming, bytes_of({x, g}), [&](auto& ctx) {
    kernels::batch_norm_sums(ctx, geometry, x, g, none, vectors, from_x, dw, db, none);
  });
  measure(name("input_grad").c_str(), Kind::streaming, bytes_of({x, g, dx}), [&](auto& ctx) {
    kernels::batch_norm_input_grad(ctx, geometry, x, g, vectors, from_x, dw, db, dx);
  });
}

}  // namespace

TEST_CASE("coalescing: normalisations") {
  for (const DType dtype : {float32, bfloat16}) batch_norm(dtype);
  const Tensor rows = gpu_sample({128, 768}), out = gpu_sample({128, 768}), grad = gpu_sample({128, 768}),
               w = gpu_sample({768}), b = gpu_sample({768}), row_mean = gpu_sample({128}),
               row_rstd = gpu_sample({128});
  const kernels::LayerNormGeometry lines{128, 768};
  measure("layer_norm", Kind::single, bytes_of({rows, out, w, b, row_mean, row_rstd}),
          [&](auto& ctx) { kernels::layer_norm(ctx, lines, rows, w, b, 1e-5, out, row_mean, row_rstd); });
  measure(
      "layer_norm_input_grad", Kind::single, bytes_of({rows, grad, out, w, row_mean, row_rstd}),
      [&](auto& ctx) { kernels::layer_norm_input_grad(ctx, lines, rows, grad, w, row_mean, row_rstd, out); });
  measure("layer_norm_sums", Kind::single, bytes_of({rows, grad, row_mean, row_rstd, w, b}),
          [&](auto& ctx) { kernels::layer_norm_sums(ctx, lines, rows, grad, row_mean, row_rstd, w, b); });
}

TEST_CASE("coalescing: softmax and losses") {
  for (const int64_t classes : {1000, 4096}) {
    const int64_t rows = kCount / classes;
    const Tensor x = gpu_sample({rows, classes}), y = gpu_sample({rows, classes}),
                 dx = gpu_sample({rows, classes}), losses = gpu_sample({rows}), log_sums = gpu_sample({rows}),
                 total = on_cuda(ones({1})), g = on_cuda(ones({1})),
                 target = on_cuda(to(arange(rows), int64));
    const bool is_short = classes == 1000;
    const auto geometry = kernels::SoftmaxGeometry::along(x.layout(), 1);
    measure(is_short ? "softmax 1000" : "softmax 4096", Kind::streaming, bytes_of({x, y}),
            [&](auto& ctx) { kernels::softmax(ctx, geometry, x, y); });
    measure(is_short ? "softmax_backward 1000" : "softmax_backward 4096", Kind::streaming,
            bytes_of({x, y, dx}), [&](auto& ctx) { kernels::softmax_backward(ctx, geometry, x, y, dx); });
    const kernels::CrossEntropyGeometry loss{rows, classes, -100, 0.0, true};
    measure(is_short ? "cross_entropy 1000" : "cross_entropy 4096", Kind::streaming, bytes_of({x}),
            [&](auto& ctx) {
              kernels::cross_entropy(ctx, loss, x, target, Tensor(), losses, log_sums, total, "");
            });
    measure(is_short ? "cross_entropy_backward 1000" : "cross_entropy_backward 4096", Kind::streaming,
            bytes_of({x, dx}), [&](auto& ctx) {
              kernels::cross_entropy_backward(ctx, loss, x, target, Tensor(), log_sums, total, g, false, dx);
            });
  }
  const Tensor x = gpu_sample({kCount}), t = gpu_sample({kCount}), y = gpu_sample({});
  measure("squared_error", Kind::streaming, bytes_of({x, t}),
          [&](auto& ctx) { kernels::squared_error(ctx, 1, x, t, y); });
}

TEST_CASE("coalescing: images") {
  const Tensor x = channels_last({4, 64, 16, 16}), dx = channels_last({4, 64, 16, 16}),
               y = channels_last({4, 64, 8, 8}), index = channels_last({4, 64, 8, 8}, uint8);
  const auto pool = kernels::Pool2dGeometry::of("test", x.layout(), 2, 2, 0, 1, false);
  measure("max_pool2d", Kind::single, bytes_of({x, y, index}),
          [&](auto& ctx) { kernels::max_pool2d(ctx, pool, x, y, index); });
  measure("max_pool2d_backward", Kind::single, bytes_of({y, index, dx}),
          [&](auto& ctx) { kernels::max_pool2d_backward(ctx, pool, y, index, dx); });
  measure("avg_pool2d", Kind::streaming, bytes_of({x, y}),
          [&](auto& ctx) { kernels::avg_pool2d(ctx, pool, x, y); });
  measure("avg_pool2d_backward", Kind::streaming, bytes_of({y, dx}),
          [&](auto& ctx) { kernels::avg_pool2d_backward(ctx, pool, y, dx); });
  const auto padding = kernels::Pad2dGeometry::of(x.layout(), 1, 1, 1, 1, PaddingMode::zeros);
  const Tensor padded = channels_last({4, 64, 18, 18});
  measure("pad2d", Kind::streaming, bytes_of({x, padded}),
          [&](auto& ctx) { kernels::pad2d(ctx, padding, x, 0, padded); });
  measure("pad2d_backward", Kind::streaming, 2 * bytes_of({x}),
          [&](auto& ctx) { kernels::pad2d_backward(ctx, padding, padded, dx); });
}

TEST_CASE("coalescing: reductions and rows") {
  const Tensor x = gpu_sample({64, 1024}), rows = gpu_sample({64}), columns = gpu_sample({1024}),
               all = gpu_sample({}), index = on_cuda(to(arange(64), int64)), y = gpu_sample({64, 1024});
  const auto over = [&](const Dims& dims) {
    return kernels::ReduceGeometry::over(x.layout(), kernels::dim_set("test", dims, 2));
  };
  measure("sum of all", Kind::streaming, bytes_of({x}),
          [&](auto& ctx) { kernels::sum(ctx, over({}), x, all); });
  measure("sum of rows", Kind::streaming, bytes_of({x, rows}),
          [&](auto& ctx) { kernels::sum(ctx, over({1}), x, rows); });
  measure("sum of columns", Kind::single, bytes_of({x, columns}),
          [&](auto& ctx) { kernels::sum(ctx, over({0}), x, columns); });
  measure("index_select of rows", Kind::streaming, bytes_of({x, y}), [&](auto& ctx) {
    kernels::index_select(ctx, kernels::DimGeometry::along(x.shape(), 0), x, index, y);
  });
}
