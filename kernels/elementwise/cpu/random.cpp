#include <kiln/kernels/elementwise/random.h>

#include <atomic>
#include <numbers>
#include <utility>
#include <vector>

#include <kiln/kernels/elementwise/cpu/convert.h>
#include <kiln/kernels/elementwise/cpu/random_words.h>
#include <kiln/kernels/elementwise/math.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

uint64_t joined(const uint32_t* words) { return uint64_t(words[1]) << 32 | words[0]; }

// Uniform in [0, 1), with no more bits than T holds, so that it cannot round up to 1.
template <class T>
auto unit(const uint32_t* words) {
  if constexpr (std::is_same_v<T, double>)
    return double(joined(words) >> 11) * 0x1p-53;
  else if constexpr (std::is_same_v<T, Half>)
    return float(words[0] >> 21) * 0x1p-11f;
  else if constexpr (std::is_same_v<T, BFloat16>)
    return float(words[0] >> 24) * 0x1p-8f;
  else
    return uniform_from_bits(words[0]);
}

template <class T>
inline constexpr int kWords = std::is_same_v<T, double> ? 2 : 1;

// normals[i] for `count` (a multiple of 32) elements of the compute type.
template <class Real, int per_element>
void box_muller(const uint32_t* words, int64_t count, Real mean, Real std, Real* normals) {
  Real radius[kRandomWords / 2], angle[kRandomWords / 2];
  for (int64_t j = 0; j < count / 2; ++j) {
    const uint32_t* pair = words + 2 * per_element * j;
    radius[j] = 1 - unit<Real>(pair);  // in (0, 1]: the logarithm is finite
    angle[j] = Real(2 * std::numbers::pi) * unit<Real>(pair + per_element);
  }
  for (int64_t j = 0; j < count / 2; ++j) radius[j] = math::sqrt(-2 * math::log(radius[j]));
  // Two loops: side by side the compiler joins sine and cosine into a call that has no vector version.
  for (int64_t j = 0; j < count / 2; ++j) normals[2 * j] = mean + std * radius[j] * math::cos(angle[j]);
  for (int64_t j = 0; j < count / 2; ++j) normals[2 * j + 1] = mean + std * radius[j] * math::sin(angle[j]);
}

}  // namespace

void fill_words(const PhiloxState& start, int64_t first, int64_t count, uint32_t* words) {
  const uint64_t offset = start.offset + uint64_t(first) / 4, seed = start.seed;
#pragma GCC ivdep
  for (int64_t j = 0; j < count / 4; ++j) {
    const PhiloxBlock block = philox(seed, offset + uint64_t(j));
    words[4 * j] = block.words[0];
    words[4 * j + 1] = block.words[1];
    words[4 * j + 2] = block.words[2];
    words[4 * j + 3] = block.words[3];
  }
}

int64_t random_words(DType dtype, int64_t count) {
  return dtype == float64 || !is_floating(dtype) ? 2 * count : count;
}

void uniform(CpuContext& ctx, const PhiloxState& start, double low, double high, TensorView y) {
  visit_floating(y.dtype, "uniform", [&]<class T>() {
    using Real = accumulate_t<T>;
    const Real from(low), range(high - low);
    for_each_words(ctx, start, y.numel(), kWords<T>, [&](const uint32_t* words, int64_t first, int64_t n) {
      T* out = y.as<T>() + first;
      for (int64_t i = 0; i < n; ++i) out[i] = T(from + range * unit<T>(words + i * kWords<T>));
    });
  });
}

void normal(CpuContext& ctx, const PhiloxState& start, double mean, double std, TensorView y) {
  visit_floating(y.dtype, "normal", [&]<class T>() {
    using Real = accumulate_t<T>;
    constexpr int per_element = kWords<Real>;
    for_each_words(ctx, start, y.numel(), per_element, [&](const uint32_t* words, int64_t first, int64_t n) {
      Real normals[kRandomWords];
      box_muller<Real, per_element>(words, (n + 31) / 32 * 32, Real(mean), Real(std), normals);
      T* out = y.as<T>() + first;
      for (int64_t i = 0; i < n; ++i) out[i] = T(normals[i]);
    });
  });
}

void integers(CpuContext& ctx, const PhiloxState& start, int64_t low, uint64_t range, TensorView y) {
  visit_number(y.dtype, "randint", [&]<class T>() {
    for_each_words(ctx, start, y.numel(), 2, [&](const uint32_t* words, int64_t first, int64_t n) {
      T* out = y.as<T>() + first;
      for (int64_t i = 0; i < n; ++i) {
        __extension__ using Wide = unsigned __int128;
        const uint64_t pick = uint64_t(Wide(joined(words + 2 * i)) * range >> 64);
        out[i] = cast<T>(int64_t(uint64_t(low) + pick));
      }
    });
  });
}

void bernoulli(CpuContext& ctx, const PhiloxState& start, TensorView p, TensorView y) {
  visit_floating(y.dtype, "bernoulli", [&]<class T>() {
    std::atomic<bool> valid = true;
    for_each_words(ctx, start, y.numel(), 1, [&](const uint32_t* words, int64_t first, int64_t n) {
      using Real = accumulate_t<T>;
      const T* chance = p.as<T>() + first;
      T* out = y.as<T>() + first;
      bool good = true;
      for (int64_t i = 0; i < n; ++i) {
        const Real probability(chance[i]);
        good &= probability >= 0 && probability <= 1;
        out[i] = T(Real(uniform_from_bits(words[i])) < probability ? 1.f : 0.f);
      }
      if (!good) valid = false;
    });
    if (!valid) fail("bernoulli: probabilities must lie in [0, 1]");
  });
}

void permutation(CpuContext&, const PhiloxState& start, TensorView y) {
  std::vector<std::pair<uint64_t, int64_t>> keys(size_t(y.numel()));
  uint32_t words[kRandomWords];
  const int64_t count = y.numel(), step = kRandomWords / 2;
  for (int64_t first = 0; first < count; first += step) {
    fill_words(start, 2 * first, kRandomWords, words);
    for (int64_t i = first; i < std::min(count, first + step); ++i)
      keys[size_t(i)] = {joined(words + 2 * (i - first)), i};
  }
  std::sort(keys.begin(), keys.end());
  for (int64_t i = 0; i < count; ++i) y.as<int64_t>()[i] = keys[size_t(i)].second;
}

void dropout(CpuContext& ctx, const PhiloxState& start, double p, double scale, TensorView x, TensorView y) {
  visit_floating(y.dtype, "dropout", [&]<class T>() {
    using Real = accumulate_t<T>;
    const Real factor(scale);
    const float limit(p);
    for_each_words(ctx, start, y.numel(), 1, [&](const uint32_t* words, int64_t first, int64_t n) {
      const T* in = x.as<T>() + first;
      T* out = y.as<T>() + first;
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) {
        const Real value = Real(in[i]) * factor;
        out[i] = T(uniform_from_bits(words[i]) >= limit ? value : Real(0));
      }
    });
  });
}

}  // namespace kiln::kernels
