#include <kiln/kernels/base/cuda/split.cuh>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include <kiln/kernels/base/cuda/launch.cuh>

#include "device_buffer.h"

using namespace kiln;

namespace {

struct Case {
  int64_t number, divisor;
};

__global__ void split_kernel(const Case* cases, int count, kernels::Split* results) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) results[i] = kernels::split(cases[i].number, cases[i].divisor);
}

}  // namespace

TEST_CASE("positions from flat numbers, in 32 bits and in 64") {
  std::vector<Case> cases;
  for (int bits = 0; bits < 63; bits += 3)
    for (int divisor_bits = 0; divisor_bits <= bits; divisor_bits += 2)
      for (const int64_t near : {-1, 0, 1}) {
        const int64_t divisor = (int64_t(1) << divisor_bits) + divisor_bits % 3;
        const int64_t number = std::max<int64_t>(0, (int64_t(1) << bits) / divisor * divisor + near);
        cases.push_back({number, divisor});
        cases.push_back({number, divisor * 2 / 3 + 1});
      }
  cases.push_back({INT64_MAX, 1});
  cases.push_back({INT64_MAX, INT64_MAX});
  cases.push_back({INT64_MAX - 1, INT64_MAX});
  cases.push_back({INT64_MAX, 1000003});
  const DeviceBuffer<Case> input(cases);
  const DeviceBuffer<kernels::Split> output(cases.size());
  const int count = int(cases.size());
  REQUIRE(gpu::launch(split_kernel, {.grid = kernels::blocks_for(count, 256), .block = 256}, input.data,
                      count, output.data) == cudaSuccess);
  const std::vector<kernels::Split> results = output.values();
  for (size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(cases[i].number);
    CAPTURE(cases[i].divisor);
    CHECK(results[i].quotient == cases[i].number / cases[i].divisor);
    CHECK(results[i].remainder == cases[i].number % cases[i].divisor);
  }
}
