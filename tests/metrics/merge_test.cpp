#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include <kiln/autograd/ops.h>
#include <kiln/io/load.h>
#include <kiln/metrics/metrics.h>

#include "metrics/random_data.h"
#include "support/files.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

constexpr int64_t kSamples = 400, kClasses = 4;

struct Data {
  Tensor scores, targets, weights;
};

Data make_data() {
  test::Numbers numbers(3);
  const std::vector<int64_t> targets = numbers.labels(kSamples, kClasses);
  return {from_values(test::leaning(numbers, targets, kClasses), {kSamples, kClasses}),
          from_values(targets, {kSamples}), from_values(numbers.uniforms(kSamples, 0, 5), {kSamples})};
}

// The metric in one piece; in pieces of any size, some by way of a file; in another order.
template <class Metric>
void check_merges(const Metric& fresh, const Data& data, const std::function<Value(const Metric&)>& figures) {
  Metric whole = fresh;
  whole.update(data.scores, data.targets, data.weights);
  const Value expected = figures(whole);
  test::Numbers numbers(7);
  const test::TemporaryFolder folder(test::memory_folder());
  for (int round = 0; round < 4; ++round) {
    Metric all = fresh;
    std::vector<Metric> parts;
    for (int64_t begin = 0; begin < kSamples;) {
      const int64_t end = std::min(kSamples, begin + 1 + numbers.below(150));
      Metric part = fresh;
      part.update(data.scores.slice(0, begin, end), data.targets.slice(0, begin, end),
                  data.weights.slice(0, begin, end));
      parts.push_back(part);
      begin = end;
    }
    for (size_t i = parts.size(); i > 0; --i) {
      io::save(folder / "part", parts[i - 1].state());
      all.merge(round % 2 == 0 ? parts[i - 1] : Metric::from_state(io::load(folder / "part")));
    }
    CHECK(figures(all) == expected);
  }
}

}  // namespace

TEST_CASE("metrics: batches, processes and their order change no bit") {
  const Data data = make_data();
  check_merges<metrics::ConfusionMatrix>(
      metrics::ConfusionMatrix(kClasses), data, [](const auto& c) -> Value {
        return {{"m", c.matrix()}, {"f1", c.f1()}, {"kappa", c.cohen_kappa()}, {"mcc", c.matthews()}};
      });
  check_merges<metrics::TopK>(metrics::TopK(2, kClasses), data,
                              [](const auto& t) -> Value { return t.compute(); });
  check_merges<metrics::ProbabilityErrors>(metrics::ProbabilityErrors(kClasses), data,
                                           [](const auto& p) -> Value {
                                             return {{"log", p.log_loss()}, {"brier", p.brier()}};
                                           });
  check_merges<metrics::Calibration>(metrics::Calibration(kClasses), data, [](const auto& c) -> Value {
    return {{"ece", c.expected_error()}, {"mce", c.maximum_error()}, {"rms", c.root_mean_square()}};
  });
  check_merges<metrics::Ranking>(metrics::Ranking(kClasses), data, [](const auto& r) -> Value {
    return {{"auc", r.roc_auc()}, {"ap", r.average_precision(metrics::Average::micro)}};
  });

  check_merges<metrics::RegressionErrors>(metrics::RegressionErrors(),
                                          {data.scores.select(1, 0), data.targets, data.weights},
                                          [](const auto& r) -> Value {
                                            return {{"r2", r.r2()}, {"mape", r.mean_absolute_percentage()}};
                                          });
}

TEST_CASE("metrics: of any type, with strides, with places, without ignored ones") {
  const Data data = make_data();
  metrics::ConfusionMatrix plain(kClasses), half(kClasses), strided(kClasses), places(kClasses),
      ignoring(kClasses);
  plain.update(data.scores.to(float16), data.targets);
  half.update(data.scores.to(float16), data.targets.to(int32));
  strided.update(data.scores.to(float16).t().contiguous().t(), data.targets);
  places.update(data.scores.to(float16).view({20, 20, kClasses}).permute({0, 2, 1}),
                data.targets.view({20, 20}));
  Tensor labels = data.targets.clone(), guesses = argmax(data.scores.to(float16), 1);
  plain.update(tensor({1, 2}), tensor({1, 1}));
  for (auto* other : {&half, &strided, &places}) {
    other->update(tensor({1, 2}).to(uint8), tensor({1, 1}));
    CHECK(equal(other->matrix(), plain.matrix()));
  }
  ignoring.update(guesses, labels);
  ignoring.update(tensor({1, 2, 3, -7}), tensor({1, 1, -100, -100}));
  CHECK(equal(ignoring.matrix(), plain.matrix()));
}

TEST_CASE("metrics: what does not fit is refused, and nothing is counted") {
  const Data data = make_data();
  metrics::ConfusionMatrix c(kClasses);
  const auto refused = [&](const Tensor& x, const Tensor& y, const Tensor& w, const char* why) {
    const std::string error = error_of([&] { c.update(x, y, w); });
    CAPTURE(error);
    CHECK(contains(error, why));
    CHECK(c.total() == 0);
  };
  refused({}, data.targets, {}, "predictions is undefined");
  refused(data.scores, {}, {}, "targets is undefined");
  refused(data.scores, data.scores, {}, "integers");
  refused(data.scores.slice(0, 0, 3), data.targets, {}, "[400,4] was expected");
  refused(data.scores, data.targets, tensor({1.0}), "weights");
  refused(data.scores, data.targets, data.weights * -1, "not negative");
  refused(tensor({4}), tensor({0}), {}, "prediction 4 of sample 0 is not one of the classes 0 .. 3");
  refused(tensor({0}), tensor({-1}), {}, "target -1");
  refused(tensor({0, 3}), tensor({0, 1, 2}), {}, "shape");
  refused(data.scores / 0.0 - data.scores / 0.0, data.targets, {}, "NaN");
  CHECK(error_of([] { metrics::ConfusionMatrix(0); }) != "");
  CHECK(error_of([] { metrics::ConfusionMatrix(1 << 20); }) != "");
  CHECK(error_of([] { metrics::TopK(5, 4); }) != "");
  CHECK(error_of([] { metrics::Calibration(4, 0); }) != "");
  CHECK(error_of([] { metrics::Ranking(1); }) != "");
  metrics::ProbabilityErrors errors(kClasses);
  CHECK(contains(error_of([&] { errors.update(data.scores * 30, data.targets); }), "no probability"));
  CHECK(contains(error_of([&] { c.merge(metrics::ConfusionMatrix(3)); }), "3 classes"));
  CHECK(contains(error_of([&] { metrics::TopK::from_state(c.state()); }), "ConfusionMatrix"));
  Value state = c.state();
  state["classes"] = 3;
  CHECK(contains(error_of([&] { metrics::ConfusionMatrix::from_state(state); }), "16 counts, 9"));
}

TEST_CASE("metrics: without samples nothing is defined") {
  metrics::ConfusionMatrix c(3);
  c.update(zeros({0, 3}), zeros({0}, {.dtype = int64}));
  for (const double value :
       {c.accuracy(), c.f1(), c.balanced_accuracy(), c.cohen_kappa(), c.matthews(), c.iou()})
    CHECK(std::isnan(value));
  CHECK(std::isnan(metrics::TopK(1, 2).compute()));
  CHECK(std::isnan(metrics::Ranking().roc_auc()));
  CHECK(std::isnan(metrics::Ranking(3).average_precision()));
  CHECK(std::isnan(metrics::ProbabilityErrors(2).log_loss()));
  CHECK(std::isnan(metrics::Calibration(2).expected_error()));
  CHECK(std::isnan(metrics::RegressionErrors().r2()));
  CHECK(metrics::Ranking().precision_recall_curve().recall == std::vector<double>{0});
}

}  // namespace kiln
