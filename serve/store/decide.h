#pragma once

#include <string>
#include <vector>

namespace kiln::serve {

// How two models did on the same samples, in the same order: 1 for a right answer and 0 for a wrong one, or
// any other score of which more is better.
struct Outcomes {
  std::vector<double> candidate, current;
};

// When a candidate is better: its mean is higher, and by chance alone a difference as large would be seen
// with a probability of at most `level`. Of right and wrong answers that is the one-sided mid-p of McNemar's
// test, where only samples on which the two disagree count; of other scores it is the share of a paired
// bootstrap in which the candidate is not better (metrics/paired.h).
struct Rule {
  double level = 0.05;  // 1: any higher mean
};

struct Decision {
  bool is_better = false;
  double difference = 0;   // of the means
  double probability = 1;  // of a difference as large by chance
  std::string why;         // a sentence
};

// Throws when the numbers of samples differ or are 0, and when a score is not finite.
Decision decide(const Outcomes& outcomes, const Rule& rule = {});

}  // namespace kiln::serve
