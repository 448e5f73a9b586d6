#pragma once

#include <cmath>
#include <vector>

#include <kiln/tensor/random.h>
#include <kiln/tensor/tensor.h>

namespace kiln::test {

// Numbers that are a function of the seed alone.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : generator_(seed) {}
  double uniform() { return double(generator_.next() >> 11) * 0x1p-53; }
  int64_t below(int64_t bound) { return int64_t(uniform() * double(bound)); }

  std::vector<double> uniforms(int64_t count, double low = 0, double high = 1) {
    std::vector<double> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(low + (high - low) * uniform());
    return values;
  }
  std::vector<int64_t> labels(int64_t count, int64_t classes) {
    std::vector<int64_t> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(below(classes));
    return values;
  }

 private:
  Generator generator_;
};

// Probabilities [n, classes] that lean towards the targets; `steps` > 0: of few different values, so that
// many are equal.
inline std::vector<double> leaning(Numbers& numbers, const std::vector<int64_t>& targets, int64_t classes,
                                   int64_t steps = 0) {
  std::vector<double> p;
  for (const int64_t target : targets) {
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) {
      double x = numbers.uniform() + (c == target ? 0.4 : 0);
      if (steps > 0) x = std::floor(x * double(steps)) + 1;
      p.push_back(x);
      sum += x;
    }
    for (int64_t c = 0; c < classes; ++c) p[p.size() - size_t(classes) + size_t(c)] /= sum;
  }
  return p;
}

}  // namespace kiln::test
