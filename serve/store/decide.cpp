#include <kiln/serve/store/decide.h>

#include <algorithm>
#include <cmath>
#include <random>

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

// P(X >= wins) of X ~ Binomial(wins + losses, 1/2).
double chance_of(int64_t wins, int64_t losses) {
  const auto n = double(wins + losses);
  double sum = 0;
  for (int64_t k = wins; k <= wins + losses; ++k)
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(double(k) + 1) - std::lgamma(n - double(k) + 1) -
                    n * std::log(2.0));
  return std::min(sum, 1.0);
}

// The share of resamplings whose mean difference is not above 0.
double chance_of(const std::vector<double>& differences) {
  constexpr int kResamplings = 10000;
  std::mt19937_64 random(1);
  int not_above = 0;
  for (int i = 0; i < kResamplings; ++i) {
    double sum = 0;
    for (size_t k = 0; k < differences.size(); ++k) sum += differences[random() % differences.size()];
    not_above += sum <= 0;
  }
  return double(not_above + 1) / (kResamplings + 1);
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
  decision.probability = is_exact ? chance_of(wins, losses) : chance_of(differences);
  decision.is_better = decision.difference > 0 && decision.probability <= rule.level;
  decision.why =
      fmt::format("{:+.4g} in the mean of {} samples ({} better, {} worse), p = {:.3g} by {}, level {}",
                  decision.difference, differences.size(), wins, losses, decision.probability,
                  is_exact ? "McNemar's test" : "the paired bootstrap", rule.level);
  return decision;
}

}  // namespace kiln::serve
