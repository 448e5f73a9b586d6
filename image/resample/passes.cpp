#include <kiln/image/resample/passes.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace kiln::image {
namespace {

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

uint8_t rounded(int32_t sum) { return uint8_t(std::clamp(sum >> kWeightBits, 0, 255)); }

}  // namespace

void filter_column(const uint8_t* const* rows, const int32_t* weights, int count, int64_t bytes,
                   uint8_t* out) {
  constexpr int64_t kBlock = 64;
  for (int64_t begin = 0; begin < bytes; begin += kBlock) {
    const int64_t size = std::min(kBlock, bytes - begin);
    int32_t sums[kBlock];
    std::fill_n(sums, kBlock, kHalf);
    for (int i = 0; i < count; ++i) {
      const uint8_t* row = rows[i] + begin;
      const int32_t weight = weights[i];
      if (size == kBlock)
        for (int64_t x = 0; x < kBlock; ++x) sums[x] += row[x] * weight;
      else
        for (int64_t x = 0; x < size; ++x) sums[x] += row[x] * weight;
    }
    for (int64_t x = 0; x < size; ++x) out[begin + x] = rounded(sums[x]);
  }
}

void resample(const Passes& passes, const NextRow& next,
              const Function<void(int64_t y, const uint8_t* row)>& put) {
  const int64_t bytes = passes.width * passes.channels;
  std::vector<uint8_t> result(size_t(bytes + kRowSlack));
  std::optional<RowFilter> across;
  if (passes.across != nullptr) across.emplace(*passes.across, passes.channels);
  const auto filter = [&](const uint8_t* row, uint8_t* out) {
    if (across)
      across->run(row, passes.in_begin, out);
    else
      std::memcpy(out, row, size_t(bytes));
  };
  if (passes.down == nullptr) {
    for (int64_t y = 0; y < passes.height; ++y) {
      filter(next(), result.data());
      put(y, result.data());
    }
    return;
  }
  // A ring of the rows that one row of the result needs at most. Rows are needed in rising order.
  const Axis& down = *passes.down;
  const int64_t kept = down.stride, stride = bytes + kRowSlack;
  std::vector<uint8_t> ring(size_t(stride * kept));
  const auto in_ring = [&](int64_t y) { return ring.data() + y % kept * stride; };
  std::vector<const uint8_t*> rows(size_t(kept), nullptr);
  int64_t have = down.source_begin();
  for (int64_t y = 0; y < passes.height; ++y) {
    const int64_t first = down.first[size_t(y)], count = down.count[size_t(y)];
    for (; have < first + count; ++have) filter(next(), in_ring(have));
    for (int64_t i = 0; i < count; ++i) rows[size_t(i)] = in_ring(first + i);
    filter_column(rows.data(), down.weights_of(y), int(count), bytes, result.data());
    put(y, result.data());
  }
}

}  // namespace kiln::image
