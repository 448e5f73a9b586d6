#include <kiln/tensor/cuda/stream.h>

#include <doctest/doctest.h>

#include <algorithm>

#include <kiln/kernels/elementwise/fill.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/copy.h>
#include <kiln/tensor/cuda/pinned.h>

#include "both.h"

using namespace kiln;

namespace {

constexpr Device gpu = DeviceType::cuda;

void fill(const Tensor& x, double value) { kernels::fill(CudaContext::current(), value, x); }

std::vector<float> values(const Tensor& x) { return test::on_cpu(x).to_vector<float>(); }

}  // namespace

TEST_CASE("streams run beside each other, events put them in order") {
  const Tensor x = empty({1000}, {.device = gpu}), y = empty({1000}, {.device = gpu});
  const cuda::Stream side;
  CHECK(side.handle() != cuda::Stream::current().handle());
  cuda::Event filled(true), copied(true);
  fill(x, 3);
  filled.record();
  {
    const cuda::StreamGuard guard(side);
    CHECK(cuda::Stream::current().handle() == side.handle());
    CHECK(CudaContext::current().stream == side.handle());
    side.wait(filled);
    cuda::copy_bytes(y.raw_data(), gpu, x.raw_data(), gpu, 4000);
    copied.record();
  }
  CHECK(CudaContext::current().stream != side.handle());
  cuda::Stream::current().wait(copied);
  fill(x, 4);
  CHECK(values(y) == std::vector<float>(1000, 3));
  CHECK(values(x) == std::vector<float>(1000, 4));
  copied.synchronize();
  CHECK(copied.is_done());
  CHECK(copied.milliseconds_since(filled) >= 0);
  side.synchronize();
  CHECK(side.is_done());
  cuda::synchronize();

  cuda::Event plain, never(true);
  plain.record();
  CHECK_THROWS_WITH_AS(copied.milliseconds_since(plain),
                       "event: only events made with `timed` can tell milliseconds", Error);
  CHECK_THROWS_WITH_AS(copied.milliseconds_since(never), "event: both events must be recorded first", Error);
  CHECK(never.is_done());
  never.synchronize();
  side.wait(never);
}

TEST_CASE("a stream goes back to its pool and is used again") {
  CUstream_st* handle = nullptr;
  {
    const cuda::Stream stream;
    handle = stream.handle();
  }
  cuda::Stream again;
  CHECK(again.handle() == handle);
  cuda::Stream moved = std::move(again);
  CHECK(moved.handle() == handle);
}

TEST_CASE("pinned memory is cached, and not before copies are done") {
  cuda::empty_pinned_cache();
  const auto before = cuda::pinned_statistics();
  void* a = cuda::allocate_pinned(5000);
  CHECK(cuda::is_pinned(a));
  CHECK(cuda::is_pinned(static_cast<char*>(a) + 8191));
  CHECK_FALSE(cuda::is_pinned(&before));
  cuda::release_pinned(a);
  CHECK_FALSE(cuda::is_pinned(a));
  CHECK(cuda::allocate_pinned(8192) == a);
  cuda::release_pinned(a);
  CHECK(cuda::pinned_statistics().system_allocations == before.system_allocations + 1);

  const Tensor x = empty({2000}, {.device = gpu});
  for (int i = 0; i < 5; ++i) {
    Tensor host = cuda::empty_pinned({2000}, float32);
    float* data = host.data<float>();
    for (int k = 0; k < 2000; ++k) data[k] = float(i);
    cuda::copy_bytes(x.raw_data(), gpu, data, cpu, 8000, true);
    host = {};
    // The next block is another one while the copy has not run; writing there changes nothing.
    const Tensor scribble = cuda::empty_pinned({2000}, float32);
    std::fill_n(scribble.data<float>(), 2000, -1.0f);
    CHECK(values(x) == std::vector<float>(2000, float(i)));
  }
  cuda::synchronize();
  cuda::empty_pinned_cache();
  CHECK(cuda::pinned_statistics().held_bytes == before.held_bytes);
  CHECK_THROWS_WITH_AS(cuda::allocate_pinned(-5), "pinned memory: -5 bytes is not a possible size", Error);
}

TEST_CASE("pin_memory and asynchronous copies back") {
  const Tensor x = tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}});
  const Tensor transposed = from_storage(x.impl()->storage, float32, x.layout().transpose(0, 1));
  const Tensor pinned = cuda::pin_memory(transposed);
  CHECK(pinned.to_vector<float>() == std::vector<float>{1, 4, 2, 5, 3, 6});
  const Tensor device = test::on_cuda(pinned);
  const Tensor back = cuda::empty_pinned({3, 2}, float32);
  cuda::copy_bytes(back.raw_data(), cpu, device.raw_data(), gpu, 24, true);
  cuda::Stream::current().synchronize();
  CHECK(back.to_vector<float>() == pinned.to_vector<float>());
  CHECK_THROWS_WITH_AS(cuda::pin_memory(device), doctest::Contains("pin_memory: the tensor is on cuda:0"),
                       Error);
  CHECK_THROWS_WITH_AS(cuda::pin_memory({}), "pin_memory: the tensor is undefined", Error);
  CHECK(cuda::pin_memory(empty({0, 3})).numel() == 0);
}
