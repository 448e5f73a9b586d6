#include <kiln/serve/store/decide.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include <kiln/autograd/ops.h>
#include <kiln/metrics/paired.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {
namespace {

void check(const Outcomes& outcomes, const Rule& rule) {
  const size_t candidates = outcomes.candidate.size(), currents = outcomes.current.size();
  if (candidates != currents)
    fail("decide: {} outcomes of the candidate and {} of the current model; give both the same samples",
         candidates, currents);
  if (candidates == 0) fail("decide: there are no outcomes; a candidate is compared on at least one sample");
  if (!(rule.level > 0 && rule.level <= 1)) fail("decide: the level is {}; give one in (0, 1]", rule.level);
  for (const auto* scores : {&outcomes.candidate, &outcomes.current})
    for (const double score : *scores)
      if (!std::isfinite(score)) fail("decide: an outcome is {}; give finite numbers", score);
}

bool is_right_or_wrong(const std::vector<double>& scores) {
  return std::ranges::all_of(scores, [](double score) { return score == 0 || score == 1; });
}

Tensor tensor_of(const std::vector<double>& scores) {
  const Tensor x = empty({int64_t(scores.size())}, {.dtype = float64, .device = cpu});
  std::ranges::copy(scores, x.data<double>());
  return x;
}

}  // namespace

Decision decide(const Outcomes& outcomes, const Rule& rule) {
  check(outcomes, rule);
  std::vector<double> differences(outcomes.candidate.size());
  std::ranges::transform(outcomes.candidate, outcomes.current, differences.begin(), std::minus<>());
  const int64_t wins = std::ranges::count_if(differences, [](double x) { return x > 0; });
  const int64_t losses = std::ranges::count_if(differences, [](double x) { return x < 0; });
  double sum = 0;
  for (const double difference : differences) sum += difference;

  Decision decision = {.difference = sum / double(differences.size())};
  const bool is_exact = is_right_or_wrong(outcomes.candidate) && is_right_or_wrong(outcomes.current);
  decision.probability =
      is_exact
          ? metrics::mcnemar(losses, wins).better_p
          : 1 - metrics::paired_bootstrap(tensor_of(outcomes.current), tensor_of(outcomes.candidate)).better;
  decision.is_better = decision.difference > 0 && decision.probability <= rule.level;
  decision.why =
      fmt::format("{:+.4g} in the mean of {} samples ({} better, {} worse), p = {:.3g} by {}, level {}",
                  decision.difference, differences.size(), wins, losses, decision.probability,
                  is_exact ? "McNemar's test" : "the paired bootstrap", rule.level);
  return decision;
}

}  // namespace kiln::serve
