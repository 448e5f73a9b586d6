#include <doctest/doctest.h>

#include <cmath>

#include <cstdint>

#include <kiln/kiln.h>
#include <support/check_op.h>

using namespace kiln;
using kiln::test::expect_error;

TEST_CASE("literals take PyTorch's default types, however their numbers are mixed") {
  CHECK(tensor(2).dtype() == int64);
  CHECK(tensor(2.5).dtype() == float32);
  CHECK(tensor(true).dtype() == bool8);
  CHECK(tensor({1.5, 2}).to_vector<double>() == std::vector<double>{1.5, 2});
  CHECK(tensor({1.5, 2}).dtype() == float32);
  CHECK(tensor({2, 1.5f}).dtype() == float32);
  CHECK(tensor({true, 2}).dtype() == int64);
  CHECK(tensor({true, 0.5}).dtype() == float32);
  CHECK(tensor({true, false}).dtype() == bool8);
  CHECK(tensor({uint8_t(3), int16_t(4)}).dtype() == int64);
  CHECK(tensor({{1, 2}, {3, 4.5}}).dtype() == float32);
  CHECK(tensor({}).dtype() == float32);
}

TEST_CASE("literals are as deep as their braces") {
  CHECK(tensor(1).shape() == Shape{});
  CHECK(tensor({}).shape() == Shape{0});
  CHECK(tensor({5}).shape() == Shape{1});
  CHECK(tensor({{5}}).shape() == Shape{1, 1});
  CHECK(tensor({{1, 2, 3}, {4, 5, 6}}).shape() == Shape{2, 3});
  CHECK(tensor({{{1}, {2}}, {{3}, {4}}, {{5}, {6}}}).shape() == Shape{3, 2, 1});
  const Tensor deep = tensor({{{{1, 2}, {3, 4}}}, {{{5, 6}, {7, 8}}}});
  CHECK(deep.shape() == Shape{2, 1, 2, 2});
  CHECK(deep.to_vector<int64_t>() == std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8});
  expect_error("tensor: the rows of a nested list must have equal lengths, got 2 and 1", [] {
    tensor({{1, 2}, {3}});
  });
  expect_error("tensor: a number stands where the first rows have a list", [] { tensor({{1, 2}, 3}); });
  expect_error("tensor: a list stands where the first rows have a number", [] { tensor({1, {2, 3}}); });
}

TEST_CASE("literals keep every bit of an integer") {
  CHECK(tensor({INT64_MAX, INT64_MIN}).to_vector<int64_t>() == std::vector<int64_t>{INT64_MAX, INT64_MIN});
  CHECK(tensor(int64_t(9007199254740993)).item<int64_t>() == 9007199254740993);
  CHECK(tensor<int64_t>({9007199254740993}).item<int64_t>() == 9007199254740993);
  CHECK(tensor(0.1, {.dtype = float64}).item<double>() == 0.1);
  CHECK(tensor<double>({0.1}).item<double>() == 0.1);
  expect_error("18446744073709551615 is beyond int64", [] { tensor(UINT64_MAX); });
}

TEST_CASE("literals of a dtype") {
  CHECK(tensor<uint8_t>({1, 255}).dtype() == uint8);
  CHECK(tensor({1, 2}, {.dtype = float16}).to_vector<float>() == std::vector<float>{1, 2});
  CHECK(tensor({1.9, -1.9}, {.dtype = int32}).to_vector<int32_t>() == std::vector<int32_t>{1, -1});
  CHECK(tensor({0.5, 0}, {.dtype = bool8}).to_vector<bool>() == std::vector<bool>{true, false});
  CHECK(tensor({1.0, 2}, {.requires_grad = true}).requires_grad());
  expect_error("tensor: 300 cannot be stored in uint8", [] { tensor<uint8_t>({300}); });
  expect_error("tensor: -1 cannot be stored in uint8", [] { tensor<uint8_t>({-1}); });
  expect_error("tensor: nan cannot be stored in int64", [] { tensor({NAN}, {.dtype = int64}); });
  expect_error("tensor: 1e+30 cannot be stored in int32", [] { tensor({1e30}, {.dtype = int32}); });
  expect_error("requires_grad_: only floating-point", [] { tensor({1, 2}, {.requires_grad = true}); });
}

TEST_CASE("factories honour requires_grad") {
  CHECK(empty({2}, {.requires_grad = true}).requires_grad());
  CHECK(zeros({2}, {.requires_grad = true}).requires_grad());
  CHECK(ones({2}, {.requires_grad = true}).requires_grad());
  CHECK(full({2}, 3, {.requires_grad = true}).requires_grad());
  CHECK(arange(0, 3, 1, {.requires_grad = true}).requires_grad());
  CHECK(linspace(0, 1, 3, {.requires_grad = true}).requires_grad());
  CHECK(eye(2, 2, {.requires_grad = true}).requires_grad());
  CHECK(rand({2}, {.requires_grad = true}).requires_grad());
  CHECK(randn({2}, {.requires_grad = true}).requires_grad());
  CHECK_FALSE(empty({2}).requires_grad());
  expect_error("only floating-point", [] { empty({2}, {.dtype = int64, .requires_grad = true}); });
}

TEST_CASE("a finite number that would become infinite is not stored") {
  CHECK_THROWS_WITH_AS(tensor({70000}, {.dtype = float16}), "tensor: 70000 cannot be stored in float16",
                       Error);
  CHECK_THROWS_AS(tensor({1e39}), Error);
  CHECK(tensor({INFINITY}).item<double>() == INFINITY);
  CHECK(tensor({65504}, {.dtype = float16}).item<double>() == 65504);
}
