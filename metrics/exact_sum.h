#pragma once

#include <cstdint>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln::metrics {

// A sum of doubles without rounding: a fixed-point number as wide as the doubles in it need (Neal, "Fast
// exact summation using small and large superaccumulators", 2015). So the order of additions and of merges
// changes no bit of value(), which is the true sum rounded once, as Python's math.fsum gives it.
class ExactSum {
 public:
  void add(double x);
  // a * b without the rounding of the product, where it is 0 or at least 1e-290 and does not overflow.
  void add_product(double a, double b);
  void merge(const ExactSum& other);

  // The nearest double. With NaN, or infinities of both signs, in it NaN; infinite when one is in it or the
  // sum is beyond the doubles.
  double value() const;
  // The nearest double to sum - value().
  double rest() const;

  // For another process: {"words": int64 [n], "first": int, "special": int}. Throws for what state() does not
  // give.
  Value state() const;
  static ExactSum from_state(const Value& state);

 private:
  void add_bits(uint64_t bits, int at, bool negative);
  void make_room(int word);
  void carry();

  std::vector<int64_t> words_;  // word i counts 2^(32 (first_ + i) - 1074)
  int first_ = 0;
  int pending_ = 0;  // additions since the last carry
  int special_ = 0;  // 1: infinity, 2: minus infinity, 4: NaN was added
};

}  // namespace kiln::metrics
