#include <kiln/kernels/elementwise/random.h>

#include <string>

#include <doctest/doctest.h>

#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/found_error.h>

#include "../both.h"

using namespace kiln;
using test::bits_equal, test::close, test::run_on_both;

namespace {

const DType kFloating[] = {float32, float64, float16, bfloat16};
constexpr PhiloxState kStart{0x123456789abcdef0u, 0xfffffffeu};  // the counter carries into its second word

Tensor converted(const Tensor& x, DType dtype) {
  const Tensor y = empty(x.shape(), {.dtype = dtype});
  kernels::copy(CpuContext::current(), x, y);
  return y;
}

Tensor fractions(int64_t n, DType dtype) {
  std::vector<double> v(static_cast<size_t>(n));
  for (size_t i = 0; i < v.size(); ++i) v[i] = double(i % 17) / 16;
  return converted(from_values(v, {n}), dtype);
}

// A contiguous view that starts at the second element: no pack is aligned.
Tensor shifted(int64_t n, DType dtype) {
  const Tensor base = empty({n + 1}, {.dtype = dtype});
  kernels::copy(CpuContext::current(), from_values<float>({0}, {1}), base);
  return from_storage(base.impl()->storage, dtype, Layout::contiguous({n + 1}).narrow(0, 1, n));
}

}  // namespace

TEST_CASE("random numbers on the device are the CPU's") {
  for (const int64_t n : {0, 1, 2, 3, 4, 5, 63, 64, 1023, 5000}) {
    CAPTURE(n);
    for (const DType dtype : kFloating) {
      CAPTURE(dtype);
      for (const bool aligned : {true, false}) {
        const Tensor y = aligned ? empty({n}, {.dtype = dtype}) : shifted(n, dtype),
                     z = aligned ? empty({n}, {.dtype = dtype}) : shifted(n, dtype), p = fractions(n, dtype),
                     chosen = empty({n}, {.dtype = dtype}), dropped = shifted(n, dtype);
        const Tensors gpu = run_on_both({y, z, p, chosen, dropped}, [](auto& ctx, const Tensors& t) {
          kernels::uniform(ctx, kStart, 0, 1, t[0]);
          kernels::normal(ctx, kStart, 0.5, 2, t[1]);
          kernels::bernoulli(ctx, kStart, t[2], t[3]);
          kernels::dropout(ctx, kStart, 0.3, 1 / 0.7, t[2], t[4]);
        });
        REQUIRE(bits_equal(gpu[0], y));
        const double bound = dtype == float64   ? 1e-12
                             : dtype == float32 ? 1e-5
                             : dtype == float16 ? 0x1p-10
                                                : 0x1p-7;
        REQUIRE(close(gpu[1], z, bound, bound));
        REQUIRE(bits_equal(gpu[3], chosen));
        REQUIRE(bits_equal(gpu[4], dropped));
      }
    }
    for (const DType dtype : {int64, int32, int16, int8, uint8, float32, float16}) {
      CAPTURE(dtype);
      const Tensor y = empty({n}, {.dtype = dtype});
      const Tensors gpu = run_on_both(
          {y}, [](auto& ctx, const Tensors& t) { kernels::integers(ctx, kStart, -3, 100, t[0]); });
      REQUIRE(bits_equal(gpu[0], y));
    }
    const Tensor order = empty({n}, {.dtype = int64});
    const Tensors gpu =
        run_on_both({order}, [](auto& ctx, const Tensors& t) { kernels::permutation(ctx, kStart, t[0]); });
    REQUIRE(bits_equal(gpu[0], order));
  }
}

TEST_CASE("a probability out of range on the device") {
  const Tensor p = test::on_cuda(from_values<float>({0.5f, 1.5f}, {2})), y = test::on_cuda(empty({2}));
  kernels::bernoulli(CudaContext::current(), kStart, p, y);
  std::string message;
  try {
    test::on_cpu(y);
    cuda::throw_found_error();
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message == "bernoulli: probabilities must lie in [0, 1]");
}
