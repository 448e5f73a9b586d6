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
