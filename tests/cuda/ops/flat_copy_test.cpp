#include <kiln/kernels/flat/flat_copy.h>

#include <doctest/doctest.h>

#include <kiln/autograd/ops.h>

#include "../both.h"

using namespace kiln;

TEST_CASE("many stretches are copied at once on the device") {
  constexpr int kStretches = 200;  // more than a launch takes
  const Tensor from = randint(0, 256, {400'000}, {.dtype = uint8}), to = zeros({400'000}, {.dtype = uint8});
  const Tensors gpu = test::run_on_both({from, to}, [](auto& ctx, const Tensors& t) {
    std::vector<kernels::FlatCopy> copies;
    int64_t at = 0;
    for (int i = 0; i < kStretches; ++i) {
      // Of all sizes, at even and odd addresses; some of several pieces.
      const int64_t bytes = i % 50 == 0 ? 70'000 : i * 7 % 300;
      copies.push_back({TensorView(t[1]).as<char>() + at, TensorView(t[0]).as<char>() + at, bytes});
      at += bytes + i % 3;
    }
    kernels::flat_copy(ctx, copies);
  });
  CHECK(test::bits_equal(gpu[1], to));
}
