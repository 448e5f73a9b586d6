#include <kiln/image/resample/row_filter.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kiln::image {
namespace {

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

template <int Channels>
void filter(const uint8_t* in, int64_t in_begin, const Axis& axis, uint8_t* out) {
  for (int64_t x = 0; x < axis.size(); ++x)
    for (int c = 0; c < Channels; ++c) {
      const uint8_t* from = in + (axis.first[size_t(x)] - in_begin) * Channels + c;
      const int32_t* weights = axis.weights_of(x);
      int32_t sum = kHalf;
      for (int32_t i = 0; i < axis.count[size_t(x)]; ++i) sum += from[i * Channels] * weights[i];
      *out++ = uint8_t(std::clamp(sum >> kWeightBits, 0, 255));
    }
}

#if defined(__x86_64__)

// A weight is upper * 2^11 + lower, both of which fit in 16 bits, so that the sums are those of whole
// weights, exactly. Four pixels make a group: [lower of each, upper of each].
constexpr int kLowerBits = 11, kGroup = 4;

std::vector<int16_t> pack(const Axis& axis, int64_t groups) {
  std::vector<int16_t> packed(size_t(axis.size() * groups * 2 * kGroup));
  for (int64_t x = 0; x < axis.size(); ++x)
    for (int32_t i = 0; i < axis.count[size_t(x)]; ++i) {
      const int32_t weight = axis.weights_of(x)[i];
      int16_t* group = packed.data() + (x * groups + i / kGroup) * 2 * kGroup;
      group[i % kGroup] = int16_t(weight & ((1 << kLowerBits) - 1));
      group[kGroup + i % kGroup] = int16_t(weight >> kLowerBits);
    }
  return packed;
}

// The low half of a register takes the first two pixels of a group, the high half the others: channel by
// channel a pair of 16-bit numbers.
__attribute__((target("avx2"))) __m256i pixel_order(int channels) {
  alignas(32) int8_t order[32];
  for (int half = 0; half < 2; ++half)
    for (int c = 0; c < 4; ++c)
      for (int pixel = 0; pixel < 2; ++pixel) {
        int8_t* byte = order + 16 * half + 4 * c + 2 * pixel;
        byte[0] = int8_t(c < channels ? (2 * half + pixel) * channels + c : -1);
        byte[1] = -1;
      }
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(order));
}

template <int Channels>
__attribute__((target("avx2"))) void filter_by_pairs(const uint8_t* in, int64_t in_begin, const Axis& axis,
                                                     const int16_t* packed, int64_t groups, uint8_t* out) {
  const __m256i pixels = pixel_order(Channels), half = _mm256_set1_epi32(kHalf);
  const __m256i lowers = _mm256_set_m128i(_mm_set1_epi32(0x07060504), _mm_set1_epi32(0x03020100));
  const __m256i uppers = _mm256_set_m128i(_mm_set1_epi32(0x0f0e0d0c), _mm_set1_epi32(0x0b0a0908));
  for (int64_t x = 0; x < axis.size(); ++x, packed += groups * 2 * kGroup, out += Channels) {
    const uint8_t* from = in + (axis.first[size_t(x)] - in_begin) * Channels;
    __m256i lower = _mm256_setzero_si256(), upper = lower;
    const int64_t used = (axis.count[size_t(x)] + kGroup - 1) / kGroup;
    for (int64_t i = 0; i < used; ++i, from += kGroup * Channels) {
      const auto load = [](const void* at) __attribute__((target("avx2"))) {
        return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(at)));
      };
      const __m256i samples = _mm256_shuffle_epi8(load(from), pixels);
      const __m256i weights = load(packed + i * 2 * kGroup);
      lower = _mm256_add_epi32(lower, _mm256_madd_epi16(samples, _mm256_shuffle_epi8(weights, lowers)));
      upper = _mm256_add_epi32(upper, _mm256_madd_epi16(samples, _mm256_shuffle_epi8(weights, uppers)));
    }
    const __m256i both = _mm256_add_epi32(lower, _mm256_slli_epi32(upper, kLowerBits));
    const __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(_mm256_add_epi32(both, half)),
                                      _mm256_extracti128_si256(both, 1));
    const __m128i shorts = _mm_packs_epi32(_mm_srai_epi32(sum, kWeightBits), sum);
    const int result = _mm_cvtsi128_si32(_mm_packus_epi16(shorts, shorts));
    std::memcpy(out, &result, sizeof result);
  }
}

#endif

}  // namespace

RowFilter::RowFilter(const Axis& axis, int channels) : axis_(axis), channels_(channels) {
#if defined(__x86_64__)
  static const bool has_pairs = __builtin_cpu_supports("avx2") != 0;
  if (!has_pairs || channels < 3) return;
  groups_ = (axis.stride + kGroup - 1) / kGroup;
  packed_ = pack(axis, groups_);
#endif
}

void RowFilter::run(const uint8_t* in, int64_t in_begin, uint8_t* out) const {
#if defined(__x86_64__)
  if (!packed_.empty())
    return channels_ == 3 ? filter_by_pairs<3>(in, in_begin, axis_, packed_.data(), groups_, out)
                          : filter_by_pairs<4>(in, in_begin, axis_, packed_.data(), groups_, out);
#endif
  if (channels_ == 1) filter<1>(in, in_begin, axis_, out);
  if (channels_ == 2) filter<2>(in, in_begin, axis_, out);
  if (channels_ == 3) filter<3>(in, in_begin, axis_, out);
  if (channels_ == 4) filter<4>(in, in_begin, axis_, out);
}

}  // namespace kiln::image
