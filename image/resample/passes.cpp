#include <kiln/image/resample/passes.h>

#include <algorithm>
#include <cstring>

namespace kiln::image {
namespace {

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

uint8_t rounded(int32_t sum) { return uint8_t(std::clamp(sum >> kWeightBits, 0, 255)); }

using Bytes4 = uint8_t __attribute__((vector_size(4)));
using Ints4 = int32_t __attribute__((vector_size(16)));

// Four channels at once, of which `channels` are kept.
void filter_row4(const uint8_t* in, int64_t in_begin, const Axis& axis, int channels, uint8_t* out) {
  for (int64_t x = 0; x < axis.size(); ++x, out += channels) {
    const uint8_t* from = in + (axis.first[size_t(x)] - in_begin) * channels;
    const int32_t* weights = axis.weights_of(x);
    Ints4 sum = {kHalf, kHalf, kHalf, kHalf};
    for (int32_t i = 0; i < axis.count[size_t(x)]; ++i, from += channels) {
      Bytes4 pixel;
      std::memcpy(&pixel, from, sizeof pixel);
      sum += __builtin_convertvector(pixel, Ints4) * weights[i];
    }
    for (int c = 0; c < channels; ++c) out[c] = rounded(sum[c]);
  }
}

}  // namespace

void filter_row(const uint8_t* in, int64_t in_begin, const Axis& axis, int channels, uint8_t* out) {
  if (channels >= 3) return filter_row4(in, in_begin, axis, channels, out);
  for (int64_t x = 0; x < axis.size(); ++x)
    for (int c = 0; c < channels; ++c) {
      const uint8_t* from = in + (axis.first[size_t(x)] - in_begin) * channels + c;
      const int32_t* weights = axis.weights_of(x);
      int32_t sum = kHalf;
      for (int32_t i = 0; i < axis.count[size_t(x)]; ++i) sum += from[i * channels] * weights[i];
      *out++ = rounded(sum);
    }
}

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
  std::vector<uint8_t> result(size_t(bytes) + kRowSlack);
  const auto filtered = [&](const uint8_t* row, uint8_t* out) {
    if (passes.across != nullptr)
      filter_row(row, passes.in_begin, *passes.across, passes.channels, out);
    else
      std::memcpy(out, row, size_t(bytes));
  };
  if (passes.down == nullptr) {
    for (int64_t y = 0; y < passes.height; ++y) {
      filtered(next(), result.data());
      put(y, result.data());
    }
    return;
  }
  // A ring of the rows that one row of the result needs at most. Rows are needed in rising order.
  const Axis& down = *passes.down;
  const int64_t kept = down.stride;
  std::vector<uint8_t> ring(size_t(bytes * kept) + kRowSlack);
  std::vector<const uint8_t*> rows(size_t(kept), nullptr);
  int64_t have = down.source_begin();
  for (int64_t y = 0; y < passes.height; ++y) {
    const int64_t first = down.first[size_t(y)], count = down.count[size_t(y)];
    for (; have < first + count; ++have) filtered(next(), ring.data() + have % kept * bytes);
    for (int64_t i = 0; i < count; ++i) rows[size_t(i)] = ring.data() + (first + i) % kept * bytes;
    filter_column(rows.data(), down.weights_of(y), int(count), bytes, result.data());
    put(y, result.data());
  }
}

}  // namespace kiln::image
