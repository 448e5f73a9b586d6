#pragma once

// Internal: what a server counts.

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

namespace kiln::serve {

// How often a number fell below each of some bounds; the last count is of all.
template <size_t N>
class Histogram {
 public:
  explicit constexpr Histogram(const std::array<int64_t, N>& bounds) : bounds_(bounds) {}

  void add(int64_t number) {
    for (size_t i = 0; i < N; ++i)
      if (number <= bounds_[i]) {
        ++counts_[i];
        break;
      }
    ++count_;
    sum_ += number;
  }
  std::span<const int64_t> bounds() const { return bounds_; }
  int64_t count(size_t bound) const { return counts_[bound]; }
  int64_t count() const { return count_; }
  int64_t sum() const { return sum_; }

 private:
  std::array<int64_t, N> bounds_;
  std::array<std::atomic<int64_t>, N> counts_ = {};
  std::atomic<int64_t> count_ = 0, sum_ = 0;
};

inline constexpr std::array<int64_t, 14> kMicroseconds = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000};
inline constexpr std::array<int64_t, 8> kSizes = {1, 2, 4, 8, 16, 32, 64, 128};

struct Telemetry {
  std::array<std::atomic<int64_t>, 600> by_status = {};  // answers
  Histogram<14> queue_us{kMicroseconds}, compute_us{kMicroseconds}, total_us{kMicroseconds};
  Histogram<8> batch_rows{kSizes};
  std::atomic<int64_t> inferences = 0;  // rows that were answered
  std::atomic<int64_t> refused = 0, expired = 0, left = 0,
                       failed = 0;  // requests: queue full, too late, client gone
  std::atomic<int64_t> swaps = 0, refused_versions = 0;
  std::atomic<int64_t> shadow_agreed = 0, shadow_differed = 0, shadow_dropped = 0;
};

}  // namespace kiln::serve
