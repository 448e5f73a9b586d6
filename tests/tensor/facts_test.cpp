#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <sstream>

#include <kiln/fmt.h>
#include <kiln/kiln.h>
#include <support/check_op.h>

using namespace kiln;
using kiln::test::expect_error;

TEST_CASE("facts of an undefined tensor are errors") {
  const Tensor none;
  CHECK_FALSE(none.defined());
  const std::vector<std::pair<const char*, std::function<void()>>> facts = {
      {"shape", [&] { none.shape(); }},
      {"sizes", [&] { none.sizes(); }},
      {"size", [&] { none.size(0); }},
      {"stride", [&] { none.stride(0); }},
      {"dim", [&] { none.dim(); }},
      {"numel", [&] { none.numel(); }},
      {"dtype", [&] { none.dtype(); }},
      {"device", [&] { none.device(); }},
      {"layout", [&] { none.layout(); }},
      {"strides", [&] { none.strides(); }},
      {"storage_offset", [&] { none.storage_offset(); }},
      {"dtype", [&] { none.element_size(); }},
      {"numel", [&] { none.nbytes(); }},
      {"device", [&] { none.is_cpu(); }},
      {"device", [&] { none.is_cuda(); }},
      {"layout", [&] { none.is_contiguous(); }},
      {"dtype", [&] { none.is_floating_point(); }},
      {"dim", [&] { none.suggested_memory_format(); }},
      {"data", [&] { none.data<float>(); }},
      {"raw_data", [&] { none.raw_data(); }},
      {"item", [&] { none.item(); }},
      {"item", [&] { none.item<bool>(); }},
      {"to_vector", [&] { none.to_vector<float>(); }},
      {"shares_storage", [&] { none.shares_storage(zeros({1})); }},
      {"shares_storage", [&] { zeros({1}).shares_storage(none); }},
  };
  for (const auto& [name, fact] : facts) expect_error(std::string(name) + ": the tensor is undefined", fact);
}

TEST_CASE("sizes and strides by dimension") {
  const Tensor x = zeros({2, 3}).t();
  CHECK(x.size(-1) == 2);
  CHECK(x.stride(0) == 1);
  CHECK(x.stride(-1) == 3);
  CHECK(x.nbytes() == 24);
  CHECK(x.is_cpu() == x.device().is_cpu());
  expect_error("size: dim 2 is out of range", [&] { x.size(2); });
  expect_error("size: a 0-dim tensor has no dim 0", [] { tensor(1).size(0); });
  expect_error("size: a 0-dim tensor has no dim -1", [] { tensor(1).size(-1); });
  expect_error("stride: a 0-dim tensor has no dim 0", [] { tensor(1).stride(0); });
}

TEST_CASE("item") {
  CHECK(tensor(0.5).item<bool>());
  CHECK_FALSE(tensor(0.0).item<bool>());
  CHECK(tensor(NAN).item<bool>());
  CHECK(tensor(2.75).item<int64_t>() == 2);
  CHECK(tensor(int64_t(9007199254740993)).item<int64_t>() == 9007199254740993);
  CHECK(tensor(2.5).half().item<double>() == 2.5);
  CHECK(tensor(2.5).item<Half>() == 2.5f);
  const Scalar real = tensor(2.5).item(), whole = tensor({{7}}).item(), truth = tensor(true).item();
  CHECK(real.dtype() == float32);
  CHECK(double(real) == 2.5);
  CHECK(whole.dtype() == int64);
  CHECK(whole.to<int64_t>() == 7);
  CHECK(truth.dtype() == bool8);
  CHECK(bool(truth));
  CHECK((tensor({1.0, 2.0}) * real).to_vector<double>() == std::vector<double>{2.5, 5});
}

namespace {

template <class T>
std::string streamed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

}  // namespace

TEST_CASE("values of Kiln stream, and format by fmt") {
  const Tensor x = tensor({1.5, 2}).cpu();
  CHECK(streamed(x) == to_string(x));
  CHECK(streamed(Tensor()) == "tensor(undefined)");
  CHECK(streamed(x.shape()) == "[2]");
  CHECK(streamed(x.dtype()) == "float32");
  CHECK(streamed(x.device()) == "cpu");
  CHECK(streamed(x.unsqueeze(0).sizes()) == "[1,2]");
  CHECK(streamed(Scalar(1.5)) == "1.5");
  CHECK(streamed(Scalar(int64_t(INT64_MAX))) == "9223372036854775807");
  CHECK(streamed(Scalar(true)) == "true");
  CHECK(fmt::format("{} {} {} {}", x, x.shape(), x.dtype(), x.device()) == to_string(x) + " [2] float32 cpu");
  CHECK(fmt::format("{:>8} {}", x.shape(), x[0].item()) == "     [2] 1.5");
}

TEST_CASE("item of an integer type gives the number or says that it does not hold it") {
  CHECK(tensor({255}).item<uint8_t>() == 255);
  CHECK(tensor({-1.9}).item<int>() == -1);
  CHECK(tensor({-128.9}).item<int8_t>() == -128);
  CHECK(tensor({-0x1p63}, {.dtype = float64}).item<int64_t>() == INT64_MIN);
  CHECK(tensor({-0.9}).item<uint8_t>() == 0);
  CHECK(tensor({300}).item<bool>());
  CHECK_THROWS_WITH_AS(tensor({300}).item<uint8_t>(),
                       "item: 300 is asked for as an integer of 8 bits without sign, which does not hold it",
                       Error);
  CHECK_THROWS_AS(tensor({-1}).item<uint64_t>(), Error);
  for (const double value : {1e30, -1e30, double(NAN), double(INFINITY)}) {
    CHECK_THROWS_AS(tensor({value}).item<int>(), Error);
    CHECK_THROWS_AS(tensor({value}).item<int64_t>(), Error);
  }
}

TEST_CASE("integers that int64 does not hold are errors wherever a number is taken") {
  const Tensor x = tensor({5, 6});
  CHECK_THROWS_WITH_AS(clamp(x, 0, UINT64_MAX), "18446744073709551615 is beyond int64", Error);
  CHECK_THROWS_AS(eq(x, UINT64_MAX), Error);
  CHECK_THROWS_AS(full({2}, UINT64_MAX), Error);
  CHECK_THROWS_AS(arange(UINT64_MAX), Error);
  CHECK_THROWS_AS(x[UINT64_MAX], Error);
  CHECK_THROWS_AS(x[{UINT64_MAX}], Error);
  CHECK(x[size_t(1)].item<int>() == 6);
  CHECK(equal(x == uint64_t(INT64_MAX), tensor({false, false})));
}

TEST_CASE("a bool as an index is a mask, and flags are no dimensions") {
  const Tensor x = ones({2, 3});
  CHECK(x[true].shape() == Shape{1, 2, 3});
  CHECK(x[false].shape() == Shape{0, 2, 3});
  CHECK(tensor(5.0)[true].shape() == Shape{1});
  CHECK_FALSE(std::is_constructible_v<Dims, bool>);
  CHECK_FALSE(std::is_constructible_v<Dims, double>);
  CHECK(std::is_constructible_v<Dims, int>);
}

TEST_CASE("dimensions beyond int are out of range, not cut") {
  const Tensor x = ones({2, 3});
  for (const int64_t dim : {int64_t(1) << 32, INT64_MAX, INT64_MIN}) {
    CAPTURE(dim);
    CHECK_THROWS_AS(sum(x, {dim}), Error);
    CHECK_THROWS_AS(mean(x, {dim}), Error);
    CHECK_THROWS_AS(norm(x, 2, {dim}), Error);
    CHECK_THROWS_AS(permute(x, {0, dim}), Error);
    CHECK_THROWS_AS(flip(x, {dim}), Error);
    CHECK_THROWS_AS(roll(x, {1}, {dim}), Error);
  }
}
