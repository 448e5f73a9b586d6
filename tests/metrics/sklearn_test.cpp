#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <kiln/io/load.h>
#include <kiln/metrics/metrics.h>

#include "metrics/random_data.h"
#include "support/files.h"
#include "support/skip.h"

namespace kiln {
namespace {

using metrics::Average;

struct Case {
  std::string name;
  int64_t classes = 0;  // 0: regression, -1: a sum
  std::vector<double> p, weight, numbers, guesses;
  std::vector<int64_t> target;

  int64_t size() const { return int64_t(std::max(target.size(), numbers.size())); }
  Tensor scores() const { return from_values(p, {size(), classes}); }
  Tensor targets() const { return from_values(target, {size()}); }
  Tensor weights() const { return weight.empty() ? Tensor() : from_values(weight, {size()}); }
  std::vector<int64_t> best() const {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < size(); ++i) {
      const double* row = p.data() + i * classes;
      labels.push_back(std::max_element(row, row + classes) - row);
    }
    return labels;
  }
};

Case classes_case(const std::string& name, uint64_t seed, int64_t size, int64_t classes, int64_t steps,
                  bool weighted, int64_t targets_below = 0) {
  test::Numbers numbers(seed);
  Case made = {name, classes};
  made.target = numbers.labels(size, targets_below > 0 ? targets_below : classes);
  made.p = test::leaning(numbers, made.target, classes, steps);
  if (weighted) made.weight = numbers.uniforms(size, 0.01, 3);
  return made;
}

Case numbers_case(const std::string& name, uint64_t seed, int64_t size, double middle, double spread,
                  bool weighted) {
  test::Numbers numbers(seed);
  Case made = {name};
  made.numbers = numbers.uniforms(size, middle - spread, middle + spread);
  for (const double x : made.numbers) made.guesses.push_back(x + spread * 0.3 * (numbers.uniform() - 0.45));
  if (weighted) made.weight = numbers.uniforms(size, 0, 2);
  return made;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases = {
      classes_case("two", 1, 1000, 2, 0, false),
      classes_case("two weighted", 2, 500, 2, 0, true),
      classes_case("two tied", 3, 700, 2, 4, false),
      classes_case("two tied weighted", 4, 300, 2, 3, true),
      classes_case("two small", 5, 5, 2, 0, false),
      classes_case("two one-sided", 6, 50, 2, 0, false, 1),
      classes_case("five", 7, 1000, 5, 0, false),
      classes_case("five weighted", 8, 400, 5, 0, true),
      classes_case("five tied", 9, 600, 5, 3, false),
      classes_case("seven, some without targets", 10, 60, 7, 0, false, 3),
      classes_case("fifty", 11, 3000, 50, 0, false),
      classes_case("two huge", 12, 200000, 2, 1000, false),
      numbers_case("numbers", 13, 1000, 0.5, 1, false),
      numbers_case("positive numbers", 14, 1000, 20, 10, false),
      numbers_case("numbers weighted", 15, 300, 5, 3, true),
      numbers_case("numbers far from zero", 16, 1000, 1e8, 1, false),
      numbers_case("two numbers", 17, 2, 1, 1, false),
  };
  Case equal = numbers_case("equal numbers", 18, 10, 3, 0, false);
  equal.guesses[2] = 3.5;
  cases.push_back(equal);
  test::Numbers numbers(19);
  Case sum = {"sum", -1};
  for (int i = 0; i < 3000; ++i)
    sum.numbers.push_back((numbers.uniform() - 0.5) * std::pow(10.0, double(numbers.below(600)) - 300));
  cases.push_back(sum);
  return cases;
}

Value input_of(const std::vector<Case>& cases) {
  Value all = Value::dict();
  for (const Case& each : cases) {
    Value given = {{"kind", tensor(int64_t(each.classes > 0 ? 0 : each.classes == 0 ? 1 : 2))}};
    if (each.classes > 0) {
      given["classes"] = tensor(each.classes);
      given["target"] = each.targets();
      given["p"] = each.scores();
      given["guess"] = from_values(each.best(), {each.size()});
    } else {
      given["target"] = from_values(each.numbers, {each.size()});
      if (each.classes == 0) given["guess"] = from_values(each.guesses, {each.size()});
    }
    if (!each.weight.empty()) given["weight"] = each.weights();
    for (const auto& [key, value] : given.entries()) all[each.name + "/" + key.text()] = value;
  }
  return all;
}

// Compares named values with those of scikit-learn; each of these must be asked for.
class Expected {
 public:
  explicit Expected(Value values) : values_(std::move(values)) {}
  void begin(const Case& of, double bound) { case_ = of.name, bound_ = bound; }
  void check(const std::string& name, const std::vector<double>& values) {
    const Value* found = nullptr;
    for (const auto& [key, value] : values_.entries())
      if (key.text() == case_ + "/" + name) found = &value;
    CAPTURE(case_);
    CAPTURE(name);
    REQUIRE(found != nullptr);
    ++asked;
    const std::vector<double> expected = found->as_tensor().to_vector<double>();
    REQUIRE(values.size() == expected.size());
    double most = 0;
    for (size_t i = 0; i < values.size(); ++i)
      if (!(std::isnan(values[i]) && std::isnan(expected[i])))
        most = std::fmax(most, std::abs(values[i] - expected[i]) / std::fmax(1e-3, std::abs(expected[i])));
    CHECK(most <= bound_);
    CHECK(std::isnan(values[0]) == std::isnan(expected[0]));
  }
  void check(const std::string& name, double value) { check(name, std::vector<double>{value}); }
  size_t size() const { return values_.size(); }
  size_t asked = 0;

 private:
  Value values_;
  std::string case_;
  double bound_ = 0;
};

bool has_name(const Value& values, const std::string& name) {
  for (const auto& [key, value] : values.entries())
    if (key.text() == name) return true;
  return false;
}

void check_labels(Expected& expected, const Case& of) {
  metrics::ConfusionMatrix c(of.classes);
  c.update(of.scores(), of.targets(), of.weights());
  expected.check("accuracy", c.accuracy());
  expected.check("balanced", c.balanced_accuracy());
  expected.check("balanced_adjusted", c.balanced_accuracy(true));
  expected.check("matrix", c.matrix().to_vector<double>());
  expected.check("matthews", c.matthews());
  expected.check("kappa_None", c.cohen_kappa());
  expected.check("kappa_linear", c.cohen_kappa(metrics::KappaWeights::linear));
  expected.check("kappa_quadratic", c.cohen_kappa(metrics::KappaWeights::quadratic));
  const std::pair<const char*, Average> averages[] = {
      {"micro", Average::micro}, {"macro", Average::macro}, {"weighted", Average::weighted}};
  for (const auto& average : averages) {
    const std::string name = average.first;
    for (const int zero : {0, 1}) {
      const metrics::AverageOptions options = {.average = average.second, .zero_division = double(zero)};
      expected.check("precision_" + name + "_" + std::to_string(zero), c.precision(options));
      expected.check("recall_" + name + "_" + std::to_string(zero), c.recall(options));
      expected.check("f1_" + name + "_" + std::to_string(zero), c.f1(options));
    }
    expected.check("f2_" + name, c.fbeta(2, {.average = average.second}));
    expected.check("iou_" + name, c.iou({.average = average.second}));
  }
  expected.check("precisions", c.precisions());
  expected.check("recalls", c.recalls());
  expected.check("f1s", c.fbetas(1));
  expected.check("f1_all", c.f1({.all_classes = true}));
}

void check_scores(Expected& expected, const Case& of, const Value& values) {
  const auto has = [&](const char* name) { return has_name(values, of.name + "/" + name); };
  metrics::ProbabilityErrors errors(of.classes);
  errors.update(of.scores(), of.targets(), of.weights());
  expected.check("log_loss", errors.log_loss());
  metrics::Ranking ranking(of.classes);
  ranking.update(of.scores(), of.targets(), of.weights());
  if (of.classes > 2) {
    const std::pair<const char*, Average> averages[] = {
        {"micro", Average::micro}, {"macro", Average::macro}, {"weighted", Average::weighted}};
    for (const auto& average : averages) {
      if (has("auc_macro"))
        expected.check(std::string("auc_") + average.first, ranking.roc_auc(average.second));
      expected.check(std::string("ap_") + average.first, ranking.average_precision(average.second));
    }
    for (const int64_t k : {1, 2}) {
      metrics::TopK top(k, of.classes);
      top.update(of.scores(), of.targets(), of.weights());
      // Its choice among equal scores is by the order in which it sorts.
      if (of.name != "five tied")
        expected.check("top" + std::to_string(k), top.compute());
      else
        ++expected.asked;
    }
    return;
  }
  expected.check("brier", errors.brier());
  expected.check("ap", ranking.average_precision());
  if (has("auc")) {
    expected.check("auc", ranking.roc_auc());
    metrics::RocCurve roc = ranking.roc_curve();
    expected.check("fpr", roc.false_positive_rate);
    expected.check("tpr", roc.true_positive_rate);
    roc.thresholds.erase(roc.thresholds.begin());
    expected.check("roc_thresholds", roc.thresholds);
  } else {
    CHECK(std::isnan(ranking.roc_auc()));
  }
  if (!has("pr_precision")) return;
  const metrics::PrecisionRecallCurve curve = ranking.precision_recall_curve();
  expected.check("pr_precision", curve.precision);
  expected.check("pr_recall", curve.recall);
  expected.check("pr_thresholds", curve.thresholds);
}

void check_numbers(Expected& expected, const Case& of, const Value& values) {
  metrics::RegressionErrors errors;
  errors.update(from_values(of.guesses, {of.size()}), from_values(of.numbers, {of.size()}), of.weights());
  expected.check("mae", errors.mean_absolute());
  expected.check("mse", errors.mean_squared());
  expected.check("rmse", errors.root_mean_squared());
  expected.check("mape", errors.mean_absolute_percentage());
  expected.check("max", errors.max_error());
  expected.check("r2", errors.r2());
  expected.check("explained", errors.explained_variance());
  if (has_name(values, of.name + "/msle")) expected.check("msle", errors.mean_squared_log());
}

}  // namespace

TEST_CASE("metrics: equal to scikit-learn") {
  const char* chosen = std::getenv("KILN_ORACLE_PYTHON");
  const std::string python = chosen != nullptr ? chosen : "/usr/bin/python3";
  if (std::system((python + " -c 'import sklearn; sklearn.__version__' 2>/dev/null").c_str()) != 0)
    return test::skip("python3-sklearn is not installed");
  const test::TemporaryFolder folder;
  const std::vector<Case> cases = all_cases();
  io::save(folder / "in.npz", input_of(cases));
  REQUIRE(std::system(
              (python + " tests/metrics/sklearn_oracle.py " + folder / "in.npz" + " " + folder / "out.npz")
                  .c_str()) == 0);
  const Value values = io::load(folder / "out.npz");
  Expected expected(values);
  for (const Case& each : cases) {
    // NumPy's own sums round; where the mean is far from zero its squares lose eight digits.
    expected.begin(each, each.name == "numbers far from zero" ? 1e-8 : 5e-14);
    if (each.classes > 0) {
      check_labels(expected, each);
      check_scores(expected, each, values);
    } else if (each.classes == 0) {
      check_numbers(expected, each, values);
    } else {
      expected.begin(each, 0);
      metrics::ExactSum sum;
      for (const double x : each.numbers) sum.add(x);
      expected.check("sum", sum.value());
    }
  }
  CHECK(expected.asked == expected.size());
}

}  // namespace kiln
