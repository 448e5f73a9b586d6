#include <kiln/kernels/conv/conv2d.h>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <thread>

#include <kiln/kernels/base/primitives.h>
#include <kiln/kernels/elementwise/fill.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/allocator.h>
#include <kiln/tensor/cuda/graph.h>
#include <kiln/tensor/settings.h>

#include "../both.h"
#include "../sample.h"

using namespace kiln;
using kernels::Conv2dGeometry;
using test::run_on_both, test::sample;

namespace {

struct Row {
  Shape x, weight;
  Pair stride = 1, padding = 0, dilation = 1;
  int64_t groups = 1;
};

const Row kRows[] = {
    {{2, 3, 8, 8}, {4, 3, 3, 3}, 1, 1},
    {{2, 1, 12, 12}, {32, 1, 3, 3}, 1, 1},
    {{3, 3, 11, 9}, {5, 3, 5, 3}, {2, 1}, {1, 2}},
    {{2, 16, 7, 7}, {8, 16, 1, 1}},
    {{2, 16, 8, 8}, {32, 16, 1, 1}, 2},
    {{1, 3, 30, 30}, {16, 3, 7, 7}, 2, 3},
    {{2, 8, 9, 10}, {12, 4, 3, 3}, 1, 1, 1, 2},
    {{2, 16, 9, 9}, {16, 1, 3, 3}, 1, 1, 1, 16},
    {{2, 6, 9, 9}, {18, 1, 3, 3}, 2, 1, 1, 6},
    {{1, 5, 13, 12}, {7, 5, 3, 3}, {1, 2}, {2, 3}, {2, 3}},
    {{2, 32, 8, 8}, {64, 32, 5, 5}, 1, 2},
    {{1, 2, 4, 4}, {3, 2, 4, 4}},
    {{1, 2, 3, 3}, {3, 2, 2, 2}, 1, 3},
    {{2, 4, 6, 5}, {4, 4, 2, 3}, {3, 2}, {0, 1}},
    {{1, 1, 1, 1}, {1, 1, 1, 1}},
    {{0, 3, 8, 8}, {4, 3, 3, 3}, 1, 1},
};

Conv2dGeometry geometry_of(const Row& row) {
  return Conv2dGeometry::of(row.x, row.weight, row.stride, row.padding, row.dilation, row.groups);
}

// A weight that is dense in the order of memory that `order` names, outermost first.
Tensor weight_in(const Tensor& weight, const Dims& order) {
  Dims back = order;
  for (int i = 0; i < 4; ++i) back[int(order[i])] = i;
  return permute(contiguous(permute(weight, order)), back);
}

struct Operands {
  Conv2dGeometry geometry;
  Tensor x, weight, bias, grad, y, dx, dw;

  Operands(const Row& row, DType dtype, const Dims& order) : geometry(geometry_of(row)) {
    constexpr auto nhwc = MemoryFormat::channels_last;
    weight = weight_in(sample(row.weight, dtype), order);
    bias = sample({geometry.filters}, dtype);
    x = contiguous(sample(row.x, dtype), nhwc);
    grad = contiguous(sample(geometry.y_shape(), dtype), nhwc);
    y = full_like(grad, 7);
    dx = full_like(x, 7);
    dw = full_like(weight, 7);
  }
  Tensors all() const { return {x, weight, bias, grad, y, dx, dw}; }
};

template <class Context>
void run(Context& ctx, const Conv2dGeometry& g, const Tensors& t, bool has_bias = true, bool relu = false) {
  kernels::conv2d_forward(ctx, g, t[0], t[1], has_bias ? t[2] : Tensor(), relu, t[4]);
  kernels::conv2d_input_grad(ctx, g, t[3], t[1], t[5]);
  kernels::conv2d_weight_grad(ctx, g, t[3], t[0], t[6]);
}

// The CPU has no float16 and, on some processors, no bfloat16: there the oracle computes in float32, on the
// same values.
DType oracle_type(DType dtype) {
  return kernels::conv2d_computes(CpuContext::current(), dtype) ? dtype : float32;
}

void check_row(const Row& row, DType dtype, const Dims& order, bool has_bias, bool relu = false) {
  CAPTURE(row.x);
  CAPTURE(row.weight);
  CAPTURE(dtype);
  CAPTURE(order);
  const Operands o(row, dtype, order);
  Tensors gpu, cpu;
  for (const Tensor& t : o.all()) {
    gpu.push_back(test::on_cuda(t));
    cpu.push_back(to(t, oracle_type(dtype)));
  }
  run(CudaContext::current(), o.geometry, gpu, has_bias, relu);
  run(CpuContext::current(), o.geometry, cpu, has_bias, relu);
  for (const size_t result : {4, 5, 6}) {
    CAPTURE(result);
    const double size =
        double(result == 6 ? row.x[0] * o.geometry.out_h * o.geometry.out_w : o.weight.numel());
    const double slack =
        test::tolerance(dtype) * (dtype == float32 || dtype == float64 ? 4 + std::sqrt(size) : 2);
    CHECK(test::close(test::on_cpu(gpu[result]), to(cpu[result], dtype), slack, slack));
    CHECK(gpu[result].strides() == o.all()[result].strides());
  }
}

// Puts the switches back.
struct Switches {
  cuda::ConvolutionOptions options = cuda::convolution_options();
  Float32Precision precision = float32_matmul_precision();
  ~Switches() {
    cuda::set_convolution_options(options);
    set_float32_matmul_precision(precision);
  }
};

}  // namespace

TEST_CASE("conv2d and its gradients on the device") {
  for (const DType dtype : test::kFloating)
    for (const Row& row : kRows)
      for (const Dims& order : {Dims{0, 2, 3, 1}, Dims{0, 1, 2, 3}}) check_row(row, dtype, order, true);
}

TEST_CASE("conv2d on the device: no bias, weights in other orders") {
  for (const DType dtype : {float32, bfloat16})
    for (const Dims& order : {Dims{1, 0, 2, 3}, Dims{3, 2, 1, 0}}) check_row(kRows[6], dtype, order, false);
}

TEST_CASE("conv2d on the device: with relu in the same pass") {
  for (const DType dtype : test::kFloating)
    for (const Row& row : kRows)
      for (const bool has_bias : {true, false}) check_row(row, dtype, {0, 2, 3, 1}, has_bias, true);
}

TEST_CASE("conv2d on the device: operands that start in the middle of memory") {
  for (const DType dtype : {float32, bfloat16}) {
    const Row row{{2, 4, 6, 6}, {4, 4, 3, 3}, 1, 1};
    const Conv2dGeometry g = geometry_of(row);
    const auto shifted = [&](const Shape& shape) {
      const int64_t n = Layout::contiguous(shape).numel();
      const Tensor nhwc = narrow(sample({n + 1}, dtype), 0, 1, n);
      return permute(reshape(nhwc, {shape[0], shape[2], shape[3], shape[1]}), {0, 3, 1, 2});
    };
    const Tensors t{shifted(row.x),       shifted(row.weight), Tensor(),           shifted(g.y_shape()),
                    shifted(g.y_shape()), shifted(row.x),      shifted(row.weight)};
    Tensors gpu, cpu;
    for (const Tensor& x : t) {
      gpu.push_back(x.defined() ? test::on_cuda(x) : x);
      cpu.push_back(x.defined() ? to(x, oracle_type(dtype)) : x);
    }
    run(CudaContext::current(), g, gpu, false);
    run(CpuContext::current(), g, cpu, false);
    for (const size_t result : {4, 5, 6})
      CHECK(test::close(test::on_cpu(gpu[result]), to(cpu[result], dtype), 20 * test::tolerance(dtype),
                        20 * test::tolerance(dtype)));
  }
}

TEST_CASE("conv2d on the device: the same bits on every run, and with every choice of plan") {
  const Switches keep;
  const Operands o(kRows[0], float32, {0, 1, 2, 3});
  const auto results = [&] {
    return run_on_both(o.all(), [&](auto& ctx, const Tensors& t) { run(ctx, o.geometry, t); });
  };
  const Tensors first = results();
  const auto same_again = [&] {
    const Tensors again = results();
    for (const size_t i : {4, 5, 6}) CHECK(test::close(again[i], first[i], 1e-5, 1e-5));
    for (int run = 0; run < 2; ++run) {
      const Tensors more = results();
      for (const size_t i : {4, 5, 6}) CHECK(test::bits_equal(more[i], again[i]));
    }
  };
  same_again();
  cuda::set_convolution_options({.benchmark = true});
  same_again();
  cuda::set_convolution_options({.workspace_bytes = int64_t(64) << 20});
  same_again();
}

TEST_CASE("conv2d on the device in TF32") {
  const Switches keep;
  set_float32_matmul_precision(Float32Precision::high);
  cuda::set_convolution_options({.deterministic = false});
  const Operands o(kRows[10], float32, {0, 2, 3, 1});
  const Tensors gpu = run_on_both(o.all(), [&](auto& ctx, const Tensors& t) { run(ctx, o.geometry, t); });
  // Operands have 11 bits, cut or rounded: products of independent factors around 0 are 2^-10 off at most in
  // the root mean square, and so are their sums.
  for (const size_t result : {4, 5, 6}) {
    const Tensor expected = o.all()[result];
    CHECK(norm(sub(gpu[result], expected)).item<float>() <= 0x1p-10 * norm(expected).item<float>());
  }
}

TEST_CASE("conv2d on the device in a captured graph") {
  const Switches keep;
  const Operands o(kRows[6], float32, {0, 1, 2, 3});
  Tensors gpu;
  for (const Tensor& t : o.all()) gpu.push_back(test::on_cuda(t));
  const auto step = [&] { run(CudaContext::current(), o.geometry, gpu); };
  step();
  Tensors first;
  for (const Tensor& t : gpu) first.push_back(test::on_cpu(t));
  cuda::Graph graph;
  graph.capture(step);
  for (const size_t i : {4, 5, 6}) kernels::fill(CudaContext::current(), 0, gpu[i]);
  for (int replay = 0; replay < 2; ++replay) graph.replay();
  for (const size_t i : {4, 5, 6}) CHECK(test::bits_equal(test::on_cpu(gpu[i]), first[i]));
  cuda::set_convolution_options({.benchmark = true});  // not measured yet, and now it cannot be
  graph.capture(step);
  graph.replay();
  for (const size_t i : {4, 5, 6}) CHECK(test::bits_equal(test::on_cpu(gpu[i]), first[i]));
}

TEST_CASE("conv2d on the device from several threads, with no new plan or memory in a steady step") {
  const Operands o(kRows[10], float32, {0, 1, 2, 3});
  Tensors first;
  const auto work = [&](Tensors& results) {
    Tensors gpu;
    for (const Tensor& t : o.all()) gpu.push_back(test::on_cuda(t));
    run(CudaContext::current(), o.geometry, gpu);
    const int64_t allocations = cuda::memory_statistics().driver_allocations,
                  plans = kernels::primitives_created();
    run(CudaContext::current(), o.geometry, gpu);
    if (std::getenv("KILN_NO_CUDA_MEMORY_CACHING") == nullptr)
      CHECK(cuda::memory_statistics().driver_allocations == allocations);
    CHECK(kernels::primitives_created() == plans);
    for (const Tensor& t : gpu) results.push_back(test::on_cpu(t));
  };
  work(first);
  Tensors other;
  std::thread([&] { work(other); }).join();
  for (const size_t i : {4, 5, 6}) CHECK(test::bits_equal(first[i], other[i]));
}

TEST_CASE("conv2d on the device says why there is no plan") {
  const Switches keep;
  cuda::set_convolution_options({.workspace_bytes = -1});
  const Operands o(kRows[0], float32, {0, 2, 3, 1});
  Tensors gpu;
  for (const Tensor& t : o.all()) gpu.push_back(test::on_cuda(t));
  std::string message;
  try {
    run(CudaContext::current(), o.geometry, gpu);
  } catch (const Error& error) {
    message = error.what();
  }
  CAPTURE(message);
  CHECK(message.starts_with(
      "conv2d: cuDNN has no plan for x [2,3,8,8], weight [4,3,3,3], stride (1, 1), padding (1, "
      "1), dilation (1, 1), groups 1, float32, on cuda:0: "));
  CHECK(message.find("need more than -1 bytes of workspace, at least ") != std::string::npos);
}

TEST_CASE("conv2d with relu keeps NaN, on the device as on the CPU") {
  const Operands o({{1, 4, 3, 3}, {8, 4, 1, 1}}, float32, {0, 1, 2, 3});
  kernels::fill(CpuContext::current(), NAN, narrow(o.x, 2, 1, 1));
  const Tensors gpu = run_on_both(o.all(), [&](auto& ctx, const Tensors& t) {
    kernels::conv2d_forward(ctx, o.geometry, t[0], t[1], t[2], true, t[4]);
  });
  CHECK(test::close(gpu[4], o.y, 1e-5, 1e-5));
  CHECK(std::isnan(o.y.to_vector<double>()[3]));
  CHECK(!std::isnan(o.y.to_vector<double>()[0]));
}
