#include <kiln/kernels/elementwise/binary.h>

#include <doctest/doctest.h>

#include <kiln/kernels/elementwise/compare.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/found_error.h>

#include "../both.h"

using namespace kiln;
using kernels::BinaryOp, kernels::CompareOp, kernels::Operand;
using test::bits_equal, test::close, test::run_on_both;

namespace {

const DType kAll[] = {float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, bool8};
constexpr int kBinaryOps = int(BinaryOp::bitwise_xor) + 1, kCompareOps = int(CompareOp::logical_or) + 1;

// Small numbers of both signs; `positive` leaves out zero as well.
Tensor numbers(const Shape& shape, DType dtype, int seed, bool positive = false) {
  std::vector<double> values(size_t(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = double((i * 7 + size_t(seed)) % 11) / (is_floating(dtype) ? 4 : 1) + (positive ? 1 : -3);
  const Tensor x = from_values(values, shape), y = empty(shape, {.dtype = dtype});
  kernels::copy(CpuContext::current(), x, y);
  return y;
}

double tolerance(DType dtype) {
  if (!is_floating(dtype)) return 0;
  if (dtype == float64) return 1e-12;
  if (dtype == float32) return 1e-5;
  return dtype == float16 ? 0x1p-10 : 0x1p-7;
}

Tensor view(const Tensor& x, const Layout& layout) {
  return from_storage(x.impl()->storage, x.dtype(), layout);
}

bool is_supported(BinaryOp op, DType dtype) {
  if (op >= BinaryOp::bitwise_and) return !is_floating(dtype);
  if (dtype == bool8)
    return op == BinaryOp::add || op == BinaryOp::add_scaled || op == BinaryOp::mul ||
           op == BinaryOp::maximum || op == BinaryOp::minimum;
  return is_floating(dtype) || op != BinaryOp::div;
}

void check(BinaryOp op, DType compute, const Tensor& a, const Tensor& b, const Tensor& y) {
  CAPTURE(int(op));
  CAPTURE(compute);
  CAPTURE(y.dtype());
  CAPTURE(to_string(y.shape()));
  const Tensors gpu = run_on_both({a, b, y}, [&](auto& ctx, const Tensors& t) {
    kernels::binary(ctx, op, compute, t[0], t[1], t[2], 2);
  });
  REQUIRE(close(gpu[2], y, tolerance(y.dtype()), 1e-6));
}

}  // namespace

TEST_CASE("binary ops on the device, every op and type") {
  for (int i = 0; i < kBinaryOps; ++i)
    for (const DType dtype : kAll) {
      const BinaryOp op = BinaryOp(i);
      if (!is_supported(op, dtype)) {
        CHECK_THROWS_AS(kernels::binary(CudaContext::current(), op, dtype, Scalar(1), Scalar(2),
                                        empty({2}, {.dtype = dtype})),
                        Error);
        continue;
      }
      const bool base = op == BinaryOp::pow;
      check(op, dtype, numbers({1035}, dtype, 1, base), numbers({1035}, dtype, 5, true),
            empty({1035}, {.dtype = dtype}));
      const Tensor x = numbers({40}, dtype, 2, base);
      for (const Scalar value : {Scalar(2), Scalar(true)}) {
        const Tensor y = empty({40}, {.dtype = dtype}), z = empty({40}, {.dtype = dtype});
        const Tensors gpu = run_on_both({x, y, z}, [&](auto& ctx, const Tensors& t) {
          kernels::binary(ctx, op, dtype, t[0], value, t[1]);
          if (dtype == bool8 || is_floating(dtype)) kernels::binary(ctx, op, dtype, value, t[0], t[2]);
        });
        REQUIRE(close(gpu[1], y, tolerance(dtype), 1e-6));
        if (dtype == bool8 || is_floating(dtype)) REQUIRE(close(gpu[2], z, tolerance(dtype), 1e-6));
      }
    }
}

TEST_CASE("binary ops on the device, shapes, broadcast and in place") {
  for (const DType dtype : {float32, float64, float16, int32, uint8}) {
    for (const int64_t n : {0, 1, 3, 4, 5, 15, 16, 17, 1023, 2048, 2049})
      check(BinaryOp::add, dtype, numbers({n}, dtype, 1), numbers({n}, dtype, 4),
            empty({n}, {.dtype = dtype}));
    struct Row {
      Shape a, b, y;
    };
    const Row rows[] = {{{6, 32}, {32}, {6, 32}},
                        {{6, 32}, {6, 1}, {6, 32}},
                        {{6, 1}, {1, 32}, {6, 32}},
                        {{}, {5, 7}, {5, 7}},
                        {{}, {}, {}},
                        {{4, 3, 5}, {3, 1}, {4, 3, 5}},
                        {{4, 0, 5}, {5}, {4, 0, 5}},
                        {{2, 3}, {1}, {2, 3}}};
    for (const Row& row : rows)
      check(BinaryOp::sub, dtype, numbers(row.a, dtype, 1), numbers(row.b, dtype, 4),
            empty(row.y, {.dtype = dtype}));
    const Tensor base = numbers({6, 10, 16}, dtype, 3);
    const Layout whole = base.layout();
    for (const Layout& layout :
         {whole.permute({2, 0, 1}), whole.narrow(2, 1, 9), whole.narrow(1, 1, 4, 2), whole.narrow(2, 8, 8)}) {
      const Tensor a = view(base, layout), b = numbers(a.shape(), dtype, 8);
      check(BinaryOp::mul, dtype, a, b, empty(a.shape(), {.dtype = dtype}));
      check(BinaryOp::maximum, dtype, b, a, view(numbers({6, 10, 16}, dtype, 1), layout));
      const Tensor y = view(numbers({6, 10, 16}, dtype, 3), layout);
      const Tensors gpu = run_on_both({y, b}, [&](auto& ctx, const Tensors& t) {
        kernels::binary(ctx, BinaryOp::add_scaled, dtype, t[0], t[1], t[0], 3);
      });
      REQUIRE(close(gpu[0], y, tolerance(dtype), 1e-6));
    }
  }
}

TEST_CASE("binary ops on the device between types") {
  for (const DType a : kAll)
    for (const DType b : kAll)
      for (const DType y : {float32, float16, int64}) {
        const DType compute = promote_types(a, b);
        if (compute == bool8 || (y == int64 && is_floating(compute))) continue;
        check(BinaryOp::mul, compute, numbers({37}, a, 1, true), numbers({37}, b, 2, true),
              empty({37}, {.dtype = y}));
      }
}

TEST_CASE("the largest uint8 divides like any number") {
  const Tensor a = from_values<uint8_t>({0, 10, 254, 255}, {4}), b = from_values<uint8_t>({255}, {1});
  const Tensor quotient = empty({4}, {.dtype = uint8}), rest = empty({4}, {.dtype = uint8});
  const Tensors gpu = run_on_both({a, b, quotient, rest}, [](auto& ctx, const Tensors& t) {
    kernels::binary(ctx, BinaryOp::floor_divide, uint8, t[0], t[1], t[2]);
    kernels::binary(ctx, BinaryOp::remainder, uint8, t[0], t[1], t[3]);
  });
  for (const Tensor& x : {gpu[2], quotient}) CHECK(x.to_vector<int>() == std::vector<int>{0, 0, 0, 1});
  for (const Tensor& x : {gpu[3], rest}) CHECK(x.to_vector<int>() == std::vector<int>{0, 10, 254, 0});
}

TEST_CASE("an integer divided by zero on the device") {
  CudaContext& ctx = CudaContext::current();
  for (const BinaryOp op : {BinaryOp::floor_divide, BinaryOp::remainder}) {
    const char* message = op == BinaryOp::remainder ? "remainder: an integer is divided by zero"
                                                    : "floor_divide: an integer is divided by zero";
    const Tensor a = test::on_cuda(numbers({100}, int32, 1)), b = test::on_cuda(numbers({100}, int32, 2)),
                 y = test::on_cuda(empty({100}, {.dtype = int32}));
    kernels::binary(ctx, op, int32, a, b, y);
    CHECK_THROWS_WITH_AS(
        {
          test::on_cpu(y);
          cuda::throw_found_error();
        },
        message, Error);
    cuda::throw_found_error();  // said once
    CHECK_THROWS_WITH_AS(kernels::binary(ctx, op, int32, a, Scalar(0), y), message, Error);
  }
}

TEST_CASE("comparisons, where and clamp on the device") {
  for (const DType dtype : kAll)
    for (const int64_t n : {0, 1, 16, 37, 1030}) {
      CAPTURE(dtype);
      CAPTURE(n);
      const Tensor a = numbers({n}, dtype, 1), b = numbers({n}, dtype, 3);
      for (int i = 0; i < kCompareOps; ++i) {
        const Tensor y = empty({n}, {.dtype = bool8}), z = empty({n}, {.dtype = float32});
        const Tensors gpu = run_on_both({a, b, y, z}, [&](auto& ctx, const Tensors& t) {
          kernels::compare(ctx, CompareOp(i), dtype, t[0], t[1], t[2]);
          kernels::compare(ctx, CompareOp(i), dtype, t[0], Scalar(1), t[3]);
        });
        REQUIRE(bits_equal(gpu[2], y));
        REQUIRE(bits_equal(gpu[3], z));
      }
      const Tensor condition = numbers({n}, bool8, 0), y = empty({n}, {.dtype = dtype}),
                   z = empty({n}, {.dtype = dtype});
      const Tensors gpu = run_on_both({condition, a, b, y, z}, [&](auto& ctx, const Tensors& t) {
        kernels::where(ctx, t[0], t[1], t[2], t[3]);
        kernels::where(ctx, t[0], t[1], Scalar(1), t[4]);
      });
      REQUIRE(bits_equal(gpu[3], y));
      REQUIRE(bits_equal(gpu[4], z));
      if (dtype == bool8) continue;
      const Tensors limited = run_on_both(
          {a, y}, [&](auto& ctx, const Tensors& t) { kernels::clamp(ctx, dtype, t[0], 1, 3, t[1]); });
      REQUIRE(bits_equal(limited[1], y));
    }
}
