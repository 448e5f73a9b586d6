#include <doctest/doctest.h>
#include <support/check_op.h>

#include <cmath>

using namespace kiln;
using namespace kiln::test;

TEST_CASE("constants") {
  CHECK(zeros({2, 3}).to_vector<float>() == std::vector<float>(6, 0));
  CHECK(ones({2}, {.dtype = bool8}).to_vector<bool>() == std::vector<bool>{true, true});
  CHECK(full({2}, 7).dtype() == int64);
  CHECK(full({2}, 0.5).dtype() == float32);
  CHECK(full({2}, true).dtype() == bool8);
  CHECK(full({}, int64_t(9007199254740993)).item<int64_t>() == 9007199254740993);  // more than a double holds
  CHECK(full({3}, 1.5, {.dtype = int32}).to_vector<int32_t>() == std::vector<int32_t>{1, 1, 1});
  CHECK(zeros({0, 3}).numel() == 0);
  CHECK(ones({2, 3, 4, 5}, {.memory_format = MemoryFormat::channels_last})
            .is_contiguous(MemoryFormat::channels_last));
  CHECK(zeros({2}, {.requires_grad = true}).requires_grad());
  const Tensor x = full({2, 3, 4, 5}, 2, {.dtype = float16, .memory_format = MemoryFormat::channels_last});
  CHECK(equal(zeros_like(x), x * 0));
  CHECK(equal(ones_like(x), x / 2));
  CHECK(equal(full_like(x, 4), x * 2));
  CHECK(empty_like(x).strides() == x.strides());
  CHECK(empty_like(ones({3}).expand({2, 3})).is_contiguous());
  expect_error("like: x is an undefined tensor", [] { like(Tensor()); });
  expect_error("negative size", [] { zeros({-1}); });
  expect_error("complex64", [] { zeros({1}, {.dtype = DType::complex64}); });
}

TEST_CASE("arange") {
  CHECK(arange(4).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2, 3});
  CHECK(arange(2, 9, 3).to_vector<int64_t>() == std::vector<int64_t>{2, 5, 8});
  CHECK(arange(5, -1, -2).to_vector<int64_t>() == std::vector<int64_t>{5, 3, 1});
  CHECK(arange(0.0, 1.0, 0.25).to_vector<float>() == std::vector<float>{0, 0.25, 0.5, 0.75});
  CHECK(arange(3.0).dtype() == float32);
  CHECK(arange(0, 3, 1, {.dtype = float16}).dtype() == float16);
  CHECK(arange(0).numel() == 0);
  CHECK(arange(200000).sum().item<int64_t>() == int64_t(199999) * 100000);
  expect_error("arange: step must not be 0", [] { arange(0, 3, 0); });
  expect_error("arange: step -1 leads away", [] { arange(0, 3, -1); });
  expect_error("not a finite range", [] { arange(0, INFINITY); });
  expect_error("arange: bool tensors cannot count", [] { arange(0, 1, 1, {.dtype = bool8}); });
  expect_error("too many elements", [] { arange(INT64_MIN, INT64_MAX); });
}

TEST_CASE("linspace and eye") {
  expect_close(linspace(0, 1, 5, {.dtype = float64}), tensor({0., 0.25, 0.5, 0.75, 1.}), 1e-15, 0,
               "linspace");
  CHECK(linspace(0, 0.1, 7).to_vector<float>().back() == 0.1f);
  CHECK(linspace(3, 4, 1).to_vector<float>() == std::vector<float>{3});
  CHECK(linspace(3, 4, 0).numel() == 0);
  expect_error("linspace: steps must not be negative", [] { linspace(0, 1, -1); });
  CHECK(equal(eye(2), tensor({{1., 0.}, {0., 1.}})));
  CHECK(equal(eye(2, 3, {.dtype = int64}), tensor({{1, 0, 0}, {0, 1, 0}})));
  CHECK(equal(eye(3, 1, {.dtype = int64}), tensor({{1}, {0}, {0}})));
  CHECK(eye(0).numel() == 0);
  expect_error("eye: sizes must not be negative", [] { eye(-2); });
}

TEST_CASE("what a type cannot hold is drawn, counted and filled by none") {
  CHECK_THROWS_AS(arange(-2, 3, 1, {.dtype = uint8}), Error);
  CHECK_THROWS_AS(arange(250, 260, 1, {.dtype = uint8}), Error);
  CHECK(arange(250, 256, 1, {.dtype = uint8}).numel() == 6);
  CHECK(arange(-2, -2, 1, {.dtype = uint8}).numel() == 0);
  CHECK_THROWS_AS(randint(0, 100000, {2}, {.dtype = float16}), Error);
  const Tensor x = zeros({3}, {.dtype = float16});
  CHECK_THROWS_AS(x.uniform_(0, 1e6), Error);
  CHECK_THROWS_AS(zeros({3}).uniform_(-INFINITY, INFINITY), Error);
}
