#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cmath>

#include <kiln/kiln.h>
#include <kiln/tensor/cuda/allocator.h>
#include <support/skip.h>

// Tensors of more than 2^31 elements: offsets and counts of 64 bits, launches in parts. For GPUs that have
// the memory; what is looked at are the last elements, and sums.

using namespace kiln;

namespace {

constexpr int64_t kMany = int64_t(1) << 31, kRow = 2048, kRows = kMany / kRow + 3;

// Gives the memory back, whatever happens.
struct Large {
  bool fits = false;
  explicit Large(int64_t bytes) {
    cuda::empty_cache();
    size_t free = 0, total = 0;
    REQUIRE(cudaMemGetInfo(&free, &total) == cudaSuccess);
    fits = int64_t(free) > bytes + (int64_t(1) << 30);
    set_factory_device(DeviceType::cuda);
    if (!fits) test::skip("a GPU with more memory is wanted");
  }
  Large(const Large&) = delete;
  ~Large() {
    set_factory_device(DeviceType::cpu);
    cuda::empty_cache();
  }
};

double last(const Tensor& x) {
  return reshape(narrow(x, 0, x.size(0) - 1, 1), {-1})[-1].to(float64).item<double>();
}

}  // namespace

TEST_CASE("elementwise ops, conversions and sums of more than 2^31 elements") {
  const Large large(10 * kMany);
  if (!large.fits) return;
  const int64_t n = kMany + 70003;
  const Tensor x = zeros({n}, {.dtype = uint8});
  narrow(x, 0, n - 5, 5).fill_(7);
  const Tensor y = add(x, 1);
  CHECK(sum(y).item<int64_t>() == n + 35);
  CHECK(last(y) == 8);
  CHECK(argmax(y).item<int64_t>() == n - 5);
  const Tensor z = to(y, bfloat16);
  CHECK(last(z) == 8);
  CHECK(sum(narrow(eq(z, 8), 0, kMany, n - kMany)).item<int64_t>() == 5);
  CHECK(last(cat({narrow(y, 0, 0, 3), y})) == 8);
  CHECK(last(where(eq(y, 8), x, y)) == 7);
  y.fill_(3);
  CHECK(last(y) == 3);
  y.copy_(x);
  CHECK(last(y) == 7);
}

TEST_CASE("transposes, broadcasts and strided copies of more than 2^31 elements") {
  const Large large(6 * kMany);
  if (!large.fits) return;
  const Tensor x = zeros({kRows, kRow}, {.dtype = uint8});
  x[-1].fill_(5);
  x[-1][-1].fill_(9);
  const Tensor t = contiguous(x.t());
  CHECK(last(t) == 9);
  CHECK(sum(t[0]).item<int64_t>() == 5);
  CHECK(last(t[0]) == 5);
  const Tensor y = add(x, x[-1]);
  CHECK(last(y) == 18);
  CHECK(sum(y[0]).item<int64_t>() == 5 * (kRow - 1) + 9);
  CHECK(last(sum(x, 0)) == 9);
  CHECK(last(sum(x, 1)) == 5 * (kRow - 1) + 9);
}

TEST_CASE("rows of more than 2^31 elements") {
  const Large large(10 * kMany);
  if (!large.fits) return;
  const Tensor x = zeros({kRows, kRow}, {.dtype = bfloat16});
  narrow(x[-1], 0, kRow / 2, kRow / 2).fill_(-INFINITY);
  const Tensor y = softmax(x, 1);
  CHECK(y[-1][0].to(float32).item<float>() == doctest::Approx(2.0 / kRow));
  CHECK(last(y) == 0);
  CHECK(last(y[-2]) == doctest::Approx(1.0 / kRow));
  x.fill_(1);
  CHECK(last(cumsum(narrow(x, 1, 0, 200), 1)) == 200);
  CHECK(last(layer_norm(x, {kRow})) == 0);
  const Tensor index = tensor({kRows - 1, int64_t(0)});
  x[-1].fill_(3);
  CHECK(index_select(x, 0, index)[0][kRow - 1].to(float32).item<float>() == 3);
  CHECK(last(argmax(x, 1)) == 0);
  CHECK(last(matmul(x, ones({kRow, 8}, {.dtype = bfloat16}))) == 3 * kRow);
}

TEST_CASE("images of more than 2^31 elements") {
  const Large large(14 * kMany);
  if (!large.fits) return;
  const TensorOptions options{.dtype = bfloat16, .memory_format = MemoryFormat::channels_last};
  const Tensor x = zeros({33, 64, 1024, 1024}, options);
  x[-1].fill_(2);
  for (const Tensor& y : {avg_pool2d(x, 2), max_pool2d(x, 2)}) {
    CHECK(last(y) == 2);
    CHECK(last(y[-2]) == 0);
  }
  CHECK(last(contiguous(x)) == 2);
  const Tensor weight = ones({64}), bias = zeros({64}), mean = zeros({64}), var = ones({64});
  const Tensor y = batch_norm(x, weight, bias, mean, var, {.training = true, .momentum = 1});
  CHECK(mean[-1].item<float>() == doctest::Approx(2.0 / 33));
  CHECK(last(y) == doctest::Approx((2 - 2.0 / 33) / std::sqrt(4.0 / 33 * 32 / 33)).epsilon(0.01));
}

TEST_CASE("random numbers and an optimiser's step of more than 2^31 elements") {
  const Large large(14 * kMany);
  if (!large.fits) return;
  const int64_t n = kMany + 70003;
  const Tensor p = rand({n});
  CHECK(mean(p).item<float>() == doctest::Approx(0.5).epsilon(1e-4));
  const Tensor end = narrow(p, 0, n - 70000, 70000);
  CHECK(mean(end).item<float>() == doctest::Approx(0.5).epsilon(0.01));
  CHECK_FALSE(equal(end, narrow(p, 0, 0, 70000)));
  p.zero_();
  p.requires_grad_();
  p.set_grad(ones({n}));
  optim::SGD optimizer({p}, {.lr = 0.5, .momentum = 0.9});
  optimizer.step();
  CHECK(last(p.detach()) == -0.5);
  CHECK(sum(p.detach()).item<float>() == doctest::Approx(-0.5 * double(n)));
}
