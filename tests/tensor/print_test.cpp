#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <vector>

#include <kiln/kiln.h>

#include <support/device.h>

// The expected texts are PyTorch's: print_cases.txt, written by make_print_cases.py.

using namespace kiln;

namespace {

std::vector<std::string> expected_texts() {
  std::ifstream file("tests/tensor/print_cases.txt");
  std::vector<std::string> texts(1);
  for (std::string line; std::getline(file, line);) {
    if (line == "--")
      texts.emplace_back();
    else
      texts.back() += (texts.back().empty() ? "" : "\n") + line;
  }
  texts.pop_back();
  return texts;
}

}  // namespace

TEST_CASE("tensors print as in PyTorch") {
  const Tensor ramp = arange(2400).to(float32);
  const Tensors tensors = {
      tensor({1.0, 2.0, 3.0}),
      tensor({0.5, -1.25, 3.0}),
      tensor({1e-5, 1.0}),
      tensor({1.0, 2000.5}),
      tensor({1e9, 1.0}),
      tensor({double(NAN), double(INFINITY), -double(INFINITY), 1.0}),
      tensor({{1.0, 2.5}, {-3.0, 4.0}}),
      tensor({{1, 2}, {30, -4}}),
      tensor({true, false}),
      tensor(3.5),
      tensor(7),
      tensor({1, 2}).to(int32),
      tensor({1.5, 2.5}).to(float64),
      tensor({1.5, 2.5}).to(bfloat16),
      zeros(0),
      zeros({0, 3}),
      zeros({2, 0}, {.dtype = int64}),
      zeros({2, 3, 2}),
      zeros({2, 2, 2, 2}),
      ramp.reshape({60, 40}) * 0.5,
      ramp,
      ramp.reshape({2, 30, 40}),
      arange(40),
      (arange(24).to(float32) * 0.37).reshape({4, 6}).t(),
  };
  const std::vector<std::string> texts = expected_texts();
  REQUIRE(texts.size() == tensors.size());
  const std::string suffix = test::device().is_cuda() ? ", device='cuda:0'" : "";
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string expected = texts[i];
    const size_t type = expected.rfind(", dtype=");
    expected.insert(type == std::string::npos ? expected.size() - 1 : type, suffix);
    CHECK(to_string(tensors[i]) == expected);
  }
}

TEST_CASE("an undefined tensor and a storage-only one print without values") {
  CHECK(to_string(Tensor()) == "tensor(undefined)");
  CHECK(to_string(empty({2, 3}, {.dtype = DType::complex64, .device = cpu})) ==
        "tensor(..., size=(2, 3), dtype=complex64)");
}
