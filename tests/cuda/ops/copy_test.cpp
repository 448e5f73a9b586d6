#include <kiln/kernels/elementwise/copy.h>

#include <cstring>

#include <doctest/doctest.h>

#include <kiln/kernels/base/cuda/divisor.h>
#include <kiln/kernels/elementwise/cuda/elementwise.h>

#include "../both.h"

using namespace kiln;
using test::bits_equal, test::run_on_both;

namespace {

const DType kAll[] = {float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, bool8};

// Numbers that every type holds, so that conversions are exact (but to uint8, which wraps, and bool).
Tensor counted(const Shape& shape, DType dtype) {
  std::vector<double> values(size_t(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = double(i % 100) - 30;
  const Tensor x = from_values(values, shape), y = empty(shape, {.dtype = dtype});
  kernels::copy(CpuContext::current(), x, y);
  return y;
}

Tensor view(const Tensor& x, const Layout& layout) {
  return from_storage(x.impl()->storage, x.dtype(), layout);
}

void check(const Tensor& x, const Tensor& y) {
  CAPTURE(x.dtype());
  CAPTURE(y.dtype());
  CAPTURE(to_string(y.shape()));
  CAPTURE(to_string(x.strides()));
  CAPTURE(to_string(y.strides()));
  const Tensors gpu =
      run_on_both({x, y}, [](auto& ctx, const Tensors& t) { kernels::copy(ctx, t[0], t[1]); });
  REQUIRE(bits_equal(gpu[1], y));
}

}  // namespace

TEST_CASE("copies on the device between all types") {
  for (const DType from : kAll)
    for (const DType to : kAll)
      for (const int64_t n : {0, 1, 5, 16, 33, 1027}) check(counted({n}, from), counted({n}, to));
}

TEST_CASE("copies on the device, strides") {
  for (const DType to : {float32, float64, float16, uint8}) {
    const Tensor base = counted({6, 10, 16}, float32);
    const Layout whole = base.layout();
    for (const Layout& layout :
         {whole, whole.permute({2, 0, 1}), whole.narrow(2, 1, 9), whole.narrow(1, 1, 4, 2),
          whole.select(1, 2).select(0, 3), whole.narrow(0, 0, 1).expand({5, 10, 16})}) {
      check(view(base, layout), empty(layout.shape, {.dtype = to}));
      const Tensor target = view(counted({6, 10, 16}, to), layout);
      if (layout.is_non_overlapping()) check(counted(layout.shape, float32), target);
    }
    check(counted({}, float32), counted({}, to));
    check(counted({}, float32), counted({7, 3}, to));
    check(counted({3}, float32), counted({0, 3}, to));
  }
}

TEST_CASE("copies on the device of storage-only types") {
  for (const DType dtype : {DType::complex128, DType::uint16, DType::float8_e4m3fn}) {
    const Tensor x = empty({37}, {.dtype = dtype}), y = empty({37}, {.dtype = dtype});
    std::memset(x.raw_data(), 5, size_t(37 * size_of(dtype)));
    std::memset(y.raw_data(), 0, size_t(37 * size_of(dtype)));
    check(x, y);
  }
}

TEST_CASE("division by multiplication") {
  using kernels::Divisor;
  const uint32_t limit = 0x7fffffffu;
  for (const uint32_t d : {1u, 2u, 3u, 5u, 6u, 7u, 10u, 641u, 65535u, 65536u, 65537u, 1u << 30,
                           (1u << 30) + 1, limit - 1, limit}) {
    CAPTURE(d);
    for (uint32_t k = 0; k < 2000; ++k)
      for (const uint32_t n :
           {k, limit - k, uint32_t(uint64_t(k) * 1073689 % limit), k * d & limit, (k * d - 1) & limit})
        REQUIRE(Divisor(d).divide(n) == n / d);
  }
}

TEST_CASE("tensors too large for 32-bit offsets go in parts") {
  // Only addresses are computed; there is no memory behind them.
  const auto parts_of = [](const Shape& shape, const Strides& strides, const Strides& other) {
    const Layout y{shape, strides}, x{shape, other};
    TensorView a{Tensor()}, b{Tensor()};
    a.layout = &y;
    b.layout = &x;
    a.dtype = b.dtype = float32;
    return kernels::split(kernels::Walk(a, b));
  };
  const int64_t huge = int64_t(3) << 30;
  struct Row {
    Shape shape;
    Strides y, x;
    size_t parts;
  };
  const Row rows[] = {{{1000}, {1}, {1}, 1},          {{huge}, {1}, {1}, 8},
                      {{huge}, {1}, {0}, 8},          {{2, 5}, {5, 1}, {huge, 1}, 2},
                      {{5, 2}, {2, 1}, {1, huge}, 2}, {{0, huge}, {huge, 1}, {huge, 1}, 0}};
  for (const Row& row : rows) {
    const auto parts = parts_of(row.shape, row.y, row.x);
    CHECK(parts.size() == row.parts);
    int64_t count = 0;
    for (const auto& part : parts) {
      count += part.count();
      for (int k = 0; k < 2; ++k) {
        int64_t reach = 0;
        for (int d = 0; d < part.rank; ++d) reach += (part.sizes[d] - 1) * part.strides[k][d];
        CHECK(reach < int64_t(1) << 31);
      }
    }
    CHECK(count == numel(row.shape));
  }
}
