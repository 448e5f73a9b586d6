#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include <kiln/autograd/autocast.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/kernels/base/cpu/parallel.h>
#include <kiln/profile/device_times.h>
#include <kiln/profile/profile.h>
#include <kiln/tensor/device/transfer.h>

namespace kiln::profile {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
using Vector = float __attribute__((vector_size(kVectorBytes)));

// More than latency times units of any processor; they and two operands fit 16 registers.
constexpr int kChains = 12;
constexpr int64_t kRounds = 200'000;

// Sums of products in registers, independent of each other. Gives something that depends on all.
float multiply_and_add(int64_t rounds) {
  Vector sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = Vector{} + float(i + 1);
  Vector x = Vector{} + 0.999f, y = Vector{} + 0.001f;
  asm volatile("" : "+x"(x), "+x"(y));  // not known to the compiler
  for (int64_t r = 0; r < rounds; ++r)
    for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * x + y;
  Vector sum{};
  for (int i = 0; i < kChains; ++i) sum += sums[i];
  return sum[0];
}

// The best of some runs: what disturbs only makes them slower. Seconds.
template <class F>
double shortest(int runs, F&& f) {
  int64_t best = INT64_MAX;
  for (int i = 0; i < runs; ++i) {
    const int64_t start = now();
    f();
    best = std::min(best, now() - start);
  }
  return double(std::max<int64_t>(best, 1)) * 1e-9;
}

Peak measure_cpu() {
  const CpuContext& context = CpuContext::current();
  volatile float sink = 0;
  const double product_seconds = shortest(5, [&] {
    kernels::parallel_for(context, context.threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) sink = multiply_and_add(kRounds);
    });
  });
  const double flop =
      2.0 * kChains * double(kRounds) * double(kVectorBytes) / sizeof(float) * context.threads;
  constexpr int64_t kBytes = int64_t(32) << 20;
  const std::vector<char> from(size_t(kBytes), 1);
  std::vector<char> to(size_t(kBytes), 2);
  const double copy_seconds = shortest(5, [&] {
    kernels::parallel_for(context, kBytes, kBytes / std::max(context.threads, 1),
                          [&](int64_t begin, int64_t end) {
                            std::memcpy(to.data() + begin, from.data() + begin, size_t(end - begin));
                          });
  });
  return {flop / product_seconds, 2.0 * double(kBytes) / copy_seconds};
}

void wait_for(const Tensor& x) { (void)x.flatten()[0].to(cpu); }

// Products of growing matrices until one takes long enough to be measured.
double product_rate(Device device, DType dtype) {
  double best = 0;
  for (int64_t n = 256; n <= 8192; n *= 2) {
    const Tensor a = ones({n, n}, {.dtype = dtype, .device = device});
    wait_for(matmul(a, a));
    const double seconds = shortest(3, [&] { wait_for(matmul(a, a)); });
    best = std::max(best, 2.0 * double(n) * double(n) * double(n) / seconds);
    if (seconds > 3e-3) break;
  }
  return best;
}

Peak measure_gpu(Device device) {
  const NoGrad no_grad;
  const NoAutocast same_types;
  Peak peak{.flops = std::max(product_rate(device, float32), product_rate(device, bfloat16))};
  for (int64_t bytes = 1 << 20; bytes <= int64_t(1) << 30; bytes *= 4) {
    const Tensor from = zeros({bytes}, {.dtype = uint8, .device = device});
    const Tensor to = empty_like(from);
    wait_for(to.copy_(from));
    const double seconds = shortest(3, [&] { wait_for(to.copy_(from)); });
    peak.bandwidth = std::max(peak.bandwidth, 2.0 * double(bytes) / seconds);
    if (seconds > 3e-3) break;
  }
  return peak;
}

}  // namespace

Peak measured_peak(Device device) {
  static std::mutex mutex;
  static std::map<int, Peak> known;
  const std::lock_guard lock(mutex);
  const auto [at, added] = known.try_emplace(device.is_cpu() ? -1 : device.index);
  if (added) at->second = device.is_cpu() ? measure_cpu() : measure_gpu(device);
  return at->second;
}

}  // namespace kiln::profile
