#pragma once

#include <vector>

#include <kiln/tensor/random.h>

namespace kiln::data {

// Random numbers that are a function of (seed, epoch, sample) alone: whoever draws them, in whatever order.
class RandomStream {
 public:
  // For the augmentation of one sample.
  RandomStream(uint64_t seed, int64_t epoch, int64_t sample);
  // For the order of an epoch, and for random_split.
  static RandomStream for_order(uint64_t seed, int64_t epoch);
  static RandomStream for_split(uint64_t seed);
  // For what is done to a batch as a whole.
  static RandomStream for_batch(uint64_t seed, int64_t epoch, int64_t batch);

  uint32_t bits();
  float uniform() { return uniform_from_bits(bits()); }  // in [0, 1)
  double uniform_double();                               // the same with 53 bits
  int64_t below(int64_t bound);                          // in 0 .. bound - 1; bound >= 1

 private:
  explicit RandomStream(PhiloxState start) : state_(start) {}

  PhiloxState state_;
  PhiloxBlock block_ = {};
  int left_ = 0;
};

// Fisher-Yates.
void shuffle(std::vector<int64_t>& values, RandomStream& random);

}  // namespace kiln::data
