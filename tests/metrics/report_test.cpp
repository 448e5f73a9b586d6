#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include <kiln/autograd/ops.h>
#include <kiln/metrics/report.h>

#include "metrics/random_data.h"
#include "support/files.h"
#include "support/skip.h"

namespace kiln {
namespace {

using doctest::Approx;
using test::contains;

metrics::Report made_report(int64_t samples, std::vector<std::string> names) {
  test::Numbers numbers(11);
  const auto classes = int64_t(names.size());
  const std::vector<int64_t> targets = numbers.labels(samples, classes);
  metrics::Report report(classes, {.class_names = std::move(names), .logits = false, .top_k = 2});
  report.update(from_values(test::leaning(numbers, targets, classes), {samples, classes}),
                from_values(targets, {samples}));
  return report;
}

}  // namespace

TEST_CASE("metrics: the errors of a calibration by hand") {
  metrics::Calibration calibration(2, 4);
  // Confidences of class 1 in two bins: 0.1, 0.2 (one right) and 0.9, 1 (both right).
  calibration.update(tensor({0.1, 0.2, 0.9, 1.0}), tensor({0, 1, 1, 1}));
  CHECK(calibration.expected_error() == Approx((2 * 0.35 + 2 * 0.05) / 4));
  CHECK(calibration.maximum_error() == Approx(0.35));
  CHECK(calibration.root_mean_square() == Approx(std::sqrt((0.35 * 0.35 + 0.05 * 0.05) / 2)));
  CHECK(calibration.bins()[3].weight == 2);
  metrics::Calibration edges(2, 10);  // each edge opens the bin above it
  edges.update(from_values(std::vector<double>{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}, {9}),
               zeros({9}, {.dtype = int64}));
  for (int i = 1; i < 10; ++i) CHECK(edges.bins()[size_t(i)].weight == 1);
}

TEST_CASE("metrics: logits become probabilities") {
  const Tensor p = metrics::probabilities(tensor({{1000.0, 1000.0, -1000.0}, {0.0, std::log(2.0), 0.0}}));
  CHECK(p.dtype() == float64);
  const std::vector<double> expected = {0.5, 0.5, 0, 0.25, 0.5, 0.25};
  for (size_t i = 0; i < 6; ++i) CHECK(p.to_vector<double>()[i] == Approx(expected[i]));
  CHECK(contains(test::error_of([] { metrics::probabilities(tensor({1.0})); }), "[N,C,...]"));
}

TEST_CASE("metrics: a report has everything at once") {
  const metrics::Report report = made_report(500, {"cat", "dog", "kiln"});
  CHECK(report.samples() == 500);
  CHECK(report.figure("accuracy").value == report.confusion().accuracy());
  CHECK(report.figure("f1_macro").low < report.figure("f1_macro").value);
  CHECK(report.figure("roc_auc").value == report.ranking().roc_auc());
  CHECK(contains(test::error_of([&] { report.figure("speed"); }), "no figure 'speed', only accuracy"));
  const std::string text = report.text();
  for (const char* part :
       {"samples 500", "accuracy", "95 % interval", "top 2", "kiln", "target \\ predicted"})
    CHECK(contains(text, part));
  const std::string json = report.json();
  CHECK(
      contains(json, "{\"samples\":500,\"level\":0.95,\"top_k\":2,\"figures\":{\"accuracy\":{\"value\":0."));
  CHECK(contains(json, "\"name\":\"kiln\""));
  CHECK(contains(json, "\"log_loss\":{\"value\":"));
  CHECK(contains(json, "\"low\":null"));
  metrics::Report twice = metrics::Report::from_state(report.state());
  CHECK(twice.json() == json);
  twice.merge(report);
  CHECK(twice.samples() == 1000);
  CHECK(twice.figure("accuracy").value == report.figure("accuracy").value);
}

TEST_CASE("metrics: a report that refuses a batch is as it was") {
  metrics::Report report = made_report(50, {"a", "b", "c"});
  const std::string before = report.json();
  CHECK(contains(test::error_of([&] {
                   report.update(tensor({{3.0, 0.0, 1.0}}), tensor({1}));
                 }),
                 "no probability"));
  CHECK(report.json() == before);
  CHECK(test::error_of([] { metrics::Report(3, {.class_names = {"a"}}); }) != "");
  CHECK(contains(metrics::Report(2).json(), "\"accuracy\":{\"value\":null"));
}

TEST_CASE("metrics: pictures are SVG with everything escaped") {
  const metrics::Report report = made_report(300, {"<a&b>", "a very long name of a class indeed", "ünï"});
  const std::string picture =
      metrics::confusion_svg(report.confusion(), report.class_names(), {.title = "A \"title\""});
  CHECK(contains(picture, "&lt;a&amp;b&gt;"));
  CHECK(contains(picture, "A &quot;title&quot;"));
  CHECK(contains(picture, "a very long name of a cl…"));
  const std::string diagram = metrics::reliability_svg(report.calibration());
  CHECK(contains(diagram, "ECE 0."));
  CHECK(test::error_of([&] { metrics::confusion_svg(report.confusion(), {"a"}); }) != "");
  CHECK(test::error_of([] { metrics::confusion_svg(metrics::ConfusionMatrix(101)); }) != "");
  if (const char* folder = std::getenv("KILN_TEST_PICTURES")) {
    test::write_file(std::string(folder) + "/confusion.svg", picture);
    test::write_file(std::string(folder) + "/reliability.svg", diagram);
    const metrics::Report many = made_report(3000, std::vector<std::string>(25, "class"));
    test::write_file(std::string(folder) + "/many.svg", metrics::confusion_svg(many.confusion()));
    const metrics::Report two = made_report(3000, {"defective", "functional"});
    test::write_file(std::string(folder) + "/two.svg",
                     metrics::confusion_svg(two.confusion(), two.class_names()));
    test::write_file(std::string(folder) + "/report.txt", two.text());
  }
}

}  // namespace kiln
