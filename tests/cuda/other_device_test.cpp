#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/allocator.h>
#include <kiln/tensor/cuda/copy.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/cuda/found_error.h>
#include <kiln/tensor/cuda/pinned.h>
#include <kiln/tensor/cuda/stream.h>
#include <support/skip.h>

using namespace kiln;

// CUDA's current device is whatever somebody set last: before each call it is another one here. On the
// emulated device these run with two (KILN_GPU_DEVICES).

namespace {

constexpr Device first{DeviceType::cuda, 0}, second{DeviceType::cuda, 1};

bool has_two() {
  if (cuda::device_count() >= 2) return true;
  test::skip("needs two GPUs");
  return false;
}

// Runs f while CUDA's current device is the other one; what f leaves is that again.
void with_other_selected(Device device, const std::function<void()>& f) {
  const int other = 1 - device.index;
  REQUIRE(cudaSetDevice(other) == cudaSuccess);
  f();
  REQUIRE(cudaSetDevice(other) == cudaSuccess);
}

int selected() {
  int device = -1;
  cudaGetDevice(&device);
  return device;
}

}  // namespace

TEST_CASE("memory, copies and streams are on their device, whichever is current") {
  if (!has_two()) return;
  for (const Device device : {first, second}) {
    void* data = nullptr;
    float sent[256], received[256] = {};
    for (int i = 0; i < 256; ++i) sent[i] = float(i + device.index);
    with_other_selected(device, [&] { data = cuda::allocate(sizeof sent, device); });
    cudaPointerAttributes found{};
    REQUIRE(cudaPointerGetAttributes(&found, data) == cudaSuccess);
    CHECK(found.device == device.index);
    with_other_selected(device, [&] { cuda::copy_bytes(data, device, sent, cpu, sizeof sent); });
    with_other_selected(device, [&] { cuda::copy_bytes(received, cpu, data, device, sizeof sent); });
    CHECK(std::memcmp(sent, received, sizeof sent) == 0);
    with_other_selected(device, [&] { cuda::release(data, device); });
  }
}

TEST_CASE("memory that another stream uses waits for it on its own device") {
  if (!has_two()) return;
  for (const Device device : {first, second}) {
    const cuda::Stream side(device);
    void* data = cuda::allocate(1 << 20, device);
    cuda::record_stream(data, device, side.handle());
    // Says on stderr what it cannot do, and the memory would be used twice.
    with_other_selected(device, [&] { cuda::release(data, device); });
    CHECK(cudaGetLastError() == cudaSuccess);
    CHECK(selected() == 1 - device.index);
    with_other_selected(device, [&] { side.synchronize(); });
    with_other_selected(device, [&] { CHECK(side.is_done()); });
    with_other_selected(device, [&] { cuda::synchronize(device); });
    cuda::empty_cache();
    CHECK(cuda::memory_statistics(device).allocated_bytes == 0);
  }
}

TEST_CASE("events are of their stream's device, and may change it") {
  if (!has_two()) return;
  cuda::Event event, timed(true), end(true);
  for (const Device device : {first, second, first}) {
    const cuda::Stream stream(device), waits(1 - device.index == 0 ? first : second);
    with_other_selected(device, [&] { event.record(stream); });
    with_other_selected(device, [&] { waits.wait(event); });
    with_other_selected(device, [&] { timed.record(stream); });
    with_other_selected(device, [&] { end.record(stream); });
    with_other_selected(device, [&] { end.synchronize(); });
    CHECK(event.is_done());
    CHECK(end.milliseconds_since(timed) >= 0);
  }
}

TEST_CASE("pinned memory waits for copies on any device") {
  if (!has_two()) return;
  for (const Device device : {first, second}) {
    void *host = cuda::allocate_pinned(4096), *data = cuda::allocate(4096, device);
    std::memset(host, 7, 4096);
    with_other_selected(device, [&] { cuda::copy_bytes(data, device, host, cpu, 4096, true); });
    cuda::release_pinned(host);
    with_other_selected(device, [&] { cuda::synchronize(device); });
    unsigned char received[4096] = {};
    cuda::copy_bytes(received, cpu, data, device, 4096);
    CHECK(received[0] == 7);
    CHECK(received[4095] == 7);
    cuda::release(data, device);
  }
}

TEST_CASE("a copy waits for memory that others have page-locked") {
  void* host = nullptr;
  REQUIRE(cudaHostAlloc(&host, 4096, cudaHostAllocDefault) == cudaSuccess);
  void* data = cuda::allocate(4096, first);
  std::memset(host, 1, 4096);
  cuda::copy_bytes(data, first, host, cpu, 4096);
  std::memset(host, 2, 4096);  // the call has returned
  unsigned char received[4096] = {};
  cuda::copy_bytes(received, cpu, data, first, 4096);
  CHECK(received[0] == 1);
  CHECK(received[4095] == 1);
  cuda::release(data, first);
  REQUIRE(cudaFreeHost(host) == cudaSuccess);
}

TEST_CASE("what a kernel finds is thrown in the thread that launched it, once") {
  // As a kernel does it.
  const auto plant = [](int64_t value) { *cuda::found_error() = {0, 1, "found {value}", value, 0, 0}; };
  const auto waited = []() -> std::string {
    try {
      cuda::synchronize(first);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  plant(1);
  std::thread([&] {
    CHECK(waited().empty());
    plant(2);
    CHECK(waited().starts_with("found 2"));
    CHECK(waited().empty());
    plant(3);  // and ends without looking
  }).join();
  std::thread([&] { CHECK(waited().empty()); }).join();
  CHECK(waited().starts_with("found 1"));
  CHECK(waited().empty());
}

TEST_CASE("threads that end leave no place for errors behind") {
  const auto run = [](int count) {
    std::vector<cuda::FoundError*> places;
    for (int i = 0; i < count; ++i) std::thread([&] { places.push_back(cuda::found_error()); }).join();
    return std::set<cuda::FoundError*>(places.begin(), places.end()).size();
  };
  CHECK(run(1000) <= 70);
}
