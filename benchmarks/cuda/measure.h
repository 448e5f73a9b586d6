#pragma once

#include <algorithm>
#include <chrono>

#include <kiln/tensor/cuda/stream.h>

namespace kiln::benchmarks {

struct Measured {
  double seconds;       // of the device, a call
  double host_seconds;  // until a call returns, while the device is behind and can take more
};

// f on the current stream, after some calls to warm up, as often as fits into `seconds` (at least three
// times).
template <class F>
Measured measure(double seconds, F&& f) {
  const int least = seconds > 0 ? 3 : 1;  // 0: only to see that it runs
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  for (int i = 0; i < least; ++i) f();
  cuda::synchronize();
  const auto probe = Clock::now();
  f();
  cuda::synchronize();
  const int calls = int(std::clamp(seconds / std::max(since(probe), 1e-7), double(least), 1e5));
  cuda::Event begin(true), end(true);
  begin.record();
  for (int i = 0; i < calls; ++i) f();
  end.record();
  end.synchronize();
  const auto start = Clock::now();
  for (int i = 0; i < least; ++i) f();  // more may have to wait for a place among what is submitted
  const double submitted = since(start);
  cuda::synchronize();
  return {end.milliseconds_since(begin) / 1e3 / calls, submitted / least};
}

}  // namespace kiln::benchmarks
