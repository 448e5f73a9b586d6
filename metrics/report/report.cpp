#include <kiln/metrics/report.h>

#include <algorithm>
#include <limits>

#include <kiln/metrics/state.h>

namespace kiln::metrics {
namespace {

constexpr const char* kName = "Report";
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Interval alone(double value) { return {value, kNan, kNan}; }

}  // namespace

Report::Report(int64_t classes, const ReportOptions& options)
    : options_(options),
      confusion_(classes, {.ignore_index = options.ignore_index}),
      top_k_(std::clamp<int64_t>(options.top_k, 1, classes), classes, {.ignore_index = options.ignore_index}),
      errors_(classes, {.ignore_index = options.ignore_index}),
      calibration_(classes, options.bins, {.ignore_index = options.ignore_index}),
      ranking_(classes, {.ignore_index = options.ignore_index}) {
  if (options.top_k < 1) fail("{}: top_k must be at least 1, got {}", kName, options.top_k);
  if (!options.class_names.empty() && int64_t(options.class_names.size()) != classes)
    fail("{}: there are {} class names for {} classes", kName, options.class_names.size(), classes);
}

void Report::update(const Tensor& scores, const Tensor& targets) {
  // Apart first, so that a part that refuses leaves the others as they were.
  Report batch(confusion_.classes(), options_);
  const Tensor p = options_.logits ? probabilities(scores) : scores;
  batch.confusion_.update(scores, targets);
  batch.errors_.update(p, targets);
  batch.calibration_.update(p, targets);
  if (has_top_k()) batch.top_k_.update(scores, targets);
  if (options_.ranking) batch.ranking_.update(p, targets);
  batch.samples_ = int64_t(batch.confusion_.total());
  merge(batch);
}

void Report::merge(const Report& other) {
  if (other.confusion_.classes() != confusion_.classes() || other.options_.top_k != options_.top_k ||
      other.options_.bins != options_.bins || other.options_.ranking != options_.ranking)
    fail("{}: one of {} classes and other options cannot be merged into one of {}", kName,
         other.confusion_.classes(), confusion_.classes());
  samples_ += other.samples_;
  confusion_.merge(other.confusion_);
  errors_.merge(other.errors_);
  calibration_.merge(other.calibration_);
  top_k_.merge(other.top_k_);
  ranking_.merge(other.ranking_);
}

std::vector<Report::Figure> Report::figures() const {
  return figures(options_.ranking ? ranking_.per_class() : std::vector<Ranking::OfClass>());
}

std::vector<Report::Figure> Report::figures(const std::vector<Ranking::OfClass>& ranked) const {
  const auto drawn = [&](double (*of)(const ConfusionMatrix&)) {
    return bootstrap(confusion_, of, options_.bootstrap);
  };
  std::vector<Figure> result = {
      {"accuracy", wilson(int64_t(confusion_.right()), samples_, options_.bootstrap.level)},
      {"balanced_accuracy", drawn([](const ConfusionMatrix& c) { return c.balanced_accuracy(); })},
      {"f1_macro", drawn([](const ConfusionMatrix& c) { return c.f1(); })},
      {"precision_macro", alone(confusion_.precision())},
      {"recall_macro", alone(confusion_.recall())},
      {"f1_weighted", alone(confusion_.f1({.average = Average::weighted}))},
  };
  if (has_top_k()) result.push_back({"top_k", alone(top_k_.compute())});
  result.push_back({"cohen_kappa", alone(confusion_.cohen_kappa())});
  result.push_back({"matthews", alone(confusion_.matthews())});
  if (options_.ranking) {
    const auto mean_of = [&](double Ranking::OfClass::*value) {
      if (samples_ == 0) return kNan;
      return ranked.size() == 2 ? ranked[1].*value : Ranking::mean(ranked, value, Average::macro);
    };
    result.push_back({"roc_auc", alone(mean_of(&Ranking::OfClass::roc_auc))});
    result.push_back({"average_precision", alone(mean_of(&Ranking::OfClass::average_precision))});
  }
  result.push_back({"log_loss", alone(errors_.log_loss())});
  result.push_back({"brier", alone(errors_.brier())});
  result.push_back({"calibration_error", alone(calibration_.expected_error())});
  result.push_back({"calibration_maximum", alone(calibration_.maximum_error())});
  return result;
}

Interval Report::figure(const std::string& name) const {
  std::string known;
  for (const Figure& each : figures()) {
    if (each.name == name) return each.value;
    known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  fail("{}: there is no figure '{}', only {}", kName, name, known);
}

Value Report::state() const {
  std::vector<Value> names;
  for (const std::string& name : options_.class_names) names.emplace_back(name);
  return state_of(kName, {{"class_names", Value::list(std::move(names))},
                          {"logits", options_.logits},
                          {"top", options_.top_k},
                          {"bins", options_.bins},
                          {"with_ranking", options_.ranking},
                          {"ignore_index", options_.ignore_index},
                          {"confusion", confusion_.state()},
                          {"top_k", top_k_.state()},
                          {"errors", errors_.state()},
                          {"calibration", calibration_.state()},
                          {"ranking", ranking_.state()}});
}

Report Report::from_state(const Value& state, const BootstrapOptions& bootstrap) {
  check_kind(state, kName);
  ReportOptions options = {.logits = state.at("logits").as_bool(),
                           .top_k = count_of(state, "top"),
                           .bins = count_of(state, "bins"),
                           .ranking = state.at("with_ranking").as_bool(),
                           .ignore_index = state.at("ignore_index").as_int(),
                           .bootstrap = bootstrap};
  for (const Value& name : state.at("class_names").items()) options.class_names.push_back(name.as_string());
  ConfusionMatrix confusion = ConfusionMatrix::from_state(state.at("confusion"));
  Report report(confusion.classes(), options);
  report.samples_ = int64_t(confusion.total());
  // Merging checks that the parts belong together.
  report.confusion_.merge(confusion);
  report.top_k_.merge(TopK::from_state(state.at("top_k")));
  report.errors_.merge(ProbabilityErrors::from_state(state.at("errors")));
  report.calibration_.merge(Calibration::from_state(state.at("calibration")));
  report.ranking_.merge(Ranking::from_state(state.at("ranking")));
  return report;
}

}  // namespace kiln::metrics
