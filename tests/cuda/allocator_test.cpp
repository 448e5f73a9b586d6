#include <kiln/tensor/cuda/allocator.h>

#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <kiln/kernels/elementwise/fill.h>
#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/stream.h>

#include "both.h"
#include "support/skip.h"

using namespace kiln;

namespace {

constexpr Device gpu = DeviceType::cuda;
constexpr int64_t kMiB = 1 << 20;

void* get(int64_t bytes) { return cuda::allocate(bytes, gpu); }
void drop(void* data) { cuda::release(data, gpu); }

}  // namespace

TEST_CASE("the cuda allocator splits segments and grows them together again") {
  cuda::empty_cache();
  const auto before = cuda::memory_statistics();
  void *a = get(1000), *b = get(1), *c = get(kMiB);
  CHECK(reinterpret_cast<uintptr_t>(a) % 512 == 0);
  CHECK(static_cast<char*>(b) - static_cast<char*>(a) == 1024);  // one segment of 2 MiB
  const auto with = cuda::memory_statistics();
  CHECK(with.driver_allocations == before.driver_allocations + 1);
  CHECK(with.allocated_bytes - before.allocated_bytes == 1024 + 512 + kMiB);
  CHECK(with.reserved_bytes - before.reserved_bytes == 2 * kMiB);
  drop(b);
  CHECK(get(512) == b);  // best fit
  drop(a);
  drop(c);
  drop(b);
  CHECK(cuda::memory_statistics().largest_free_block >= 2 * kMiB);
  void* whole = get(kMiB);
  CHECK(whole == a);
  drop(whole);
  CHECK(cuda::memory_statistics().driver_allocations == before.driver_allocations + 1);
  CHECK(cuda::memory_statistics().allocated_bytes == before.allocated_bytes);
  CHECK(get(0) == nullptr);
  drop(nullptr);
  cuda::empty_cache();
  CHECK(cuda::memory_statistics().reserved_bytes == before.reserved_bytes);
}

TEST_CASE("the cuda allocator asks the driver for nothing in a steady step") {
  const auto step = [] {
    std::vector<void*> blocks;
    for (const int64_t bytes : {int64_t(100), int64_t(5000), 3 * kMiB + 7, 30 * kMiB, int64_t(700), 2 * kMiB})
      blocks.push_back(get(bytes));
    for (void* block : blocks) drop(block);
  };
  step();
  const auto before = cuda::memory_statistics();
  for (int i = 0; i < 10; ++i) step();
  CHECK(cuda::memory_statistics().driver_allocations == before.driver_allocations);
  CHECK(cuda::memory_statistics().allocations == before.allocations + 60);
}

TEST_CASE("the cuda allocator keeps the streams apart") {
  cuda::empty_cache();
  const cuda::Stream side;
  void* mine = get(4 * kMiB);
  drop(mine);
  {
    const cuda::StreamGuard guard(side);
    void* other = get(4 * kMiB);
    CHECK(other != mine);
    drop(other);
  }
  void* again = get(4 * kMiB);
  CHECK(again == mine);
  // Work of the side stream uses it, and has not run when it is released.
  CHECK(cudaMemsetAsync(again, 1, size_t(4 * kMiB), side.handle()) == cudaSuccess);
  cuda::record_stream(again, gpu, side.handle());
  cuda::record_stream(again, gpu, side.handle());
  drop(again);
  if (kCudaEmulated) CHECK(get(4 * kMiB) != mine);
  cuda::synchronize();
  void* third = get(4 * kMiB);
  CHECK(third == mine);
  drop(third);
  CHECK_THROWS_WITH_AS(cuda::record_stream(&again, gpu, side.handle()), doctest::Contains("record_stream: "),
                       Error);
}

TEST_CASE("out of memory says who holds what, and passes") {
  size_t free = 0, total = 0;
  REQUIRE(cudaMemGetInfo(&free, &total) == cudaSuccess);
  const auto held = Storage::allocate(30 * kMiB, gpu);
  const auto cached = Storage::allocate(5 * kMiB, gpu);
  bool thrown = false;
  try {
    get(int64_t(total));
  } catch (const Error& error) {
    thrown = true;
    const std::string text = error.what();
    CAPTURE(text);
    for (const char* part :
         {"cuda: out of memory on cuda:0: ", " asked, ", " free; tensors hold ", "the cache ", "other"})
      CHECK(text.find(part) != std::string::npos);
  }
  CHECK(thrown);
  CHECK(cudaGetLastError() == cudaSuccess);
  void* small = get(kMiB);
  drop(small);
  CHECK_THROWS_WITH_AS(get(-1), "allocate: -1 bytes is not a possible size", Error);
}

TEST_CASE("cached memory is given back before an allocation fails") {
  cuda::empty_cache();
  size_t free = 0, total = 0;
  REQUIRE(cudaMemGetInfo(&free, &total) == cudaSuccess);
  if (kCudaEmulated && total > size_t(1024 * kMiB))
    return test::skip("an emulated device of KILN_GPU_MEMORY=512 is enough, this one would fill the machine");
  const int64_t most = int64_t(free) * 3 / 5;
  drop(get(most));
  drop(get(most + 64 * kMiB));  // does not fit beside the first
  cuda::empty_cache();
}

TEST_CASE("a summary of the memory") {
  cuda::reset_peak_memory();
  const auto x = Storage::allocate(5 * kMiB, gpu);
  const std::string summary = cuda::memory_summary();
  for (const char* part : {"memory of cuda:0", "tensors", "reserved", "cached", "for graphs", "MiB"})
    CHECK(summary.find(part) != std::string::npos);
}

TEST_CASE("which device") {
  CHECK(cuda_is_available());
  CHECK(default_device() == gpu);
  CHECK_THROWS_WITH_AS(Storage::allocate(1, Device("cuda:63")),
                       doctest::Contains("cuda: cuda:63 does not exist: there "), Error);
  CHECK_THROWS_AS(cuda::DeviceGuard("cuda:63"), Error);
  CHECK(cuda::current_device() == gpu);
}
