#pragma once

#include <kiln/metrics/calibration.h>
#include <kiln/metrics/interval.h>
#include <kiln/metrics/probability.h>
#include <kiln/metrics/ranking.h>
#include <kiln/metrics/top_k.h>

namespace kiln::metrics {

struct ReportOptions {
  std::vector<std::string> class_names = {};  // one a class, or none: numbers
  bool logits = true;                         // scores go through softmax; false: they are probabilities
  int64_t top_k = 5;                          // left out where there are not more classes than that
  int64_t bins = 15;                          // of the calibration
  // ROC-AUC and average precision, which need all scores in memory: 8 bytes a class and sample.
  bool ranking = true;
  int64_t ignore_index = -100;
  BootstrapOptions bootstrap = {};
};

// All figures of a classifier over a set of samples at once: what `kiln evaluate` prints.
//
//     metrics::Report report(10, {.class_names = {"zero", "one", "two", "three", "four", "five", "six",
//                                                 "seven", "eight", "nine"}});
//     for (const auto& [images, labels] : loader.evaluation()) report.update(net(images), labels);
//     std::printf("%s", report.text().c_str());
class Report {
 public:
  explicit Report(int64_t classes, const ReportOptions& options = {});

  // scores: floating [N,C,d...]; targets: integers [N,d...]. Throws as the parts do, and is then as it was.
  void update(const Tensor& scores, const Tensor& targets);
  // Of the same classes and options. A function of the set of samples: order and merges change no bit.
  void merge(const Report& other);

  // What has an interval is what decisions are made by; of others both ends are NaN.
  struct Figure {
    const char* name;
    Interval value;
  };
  // accuracy (Wilson), balanced_accuracy and f1_macro (bootstrap), precision_macro, recall_macro,
  // f1_weighted, top_k, cohen_kappa, matthews, roc_auc, average_precision (macro, of two classes that of
  // class 1), log_loss, brier, calibration_error, calibration_maximum.
  std::vector<Figure> figures() const;
  // Throws when there is none of that name.
  Interval figure(const std::string& name) const;

  int64_t samples() const { return samples_; }
  const std::vector<std::string>& class_names() const { return options_.class_names; }
  const ConfusionMatrix& confusion() const { return confusion_; }
  const Calibration& calibration() const { return calibration_; }
  const Ranking& ranking() const { return ranking_; }

  // Tables: the figures, the classes, and of up to 20 classes the confusion matrix.
  std::string text() const;
  // {"samples", "figures": {name: {"value", "low", "high"}}, "classes": [{"name", "precision", "recall",
  // "f1", "support", ...}], "confusion": [[...]]}; what is not defined is null.
  std::string json() const;

  Value state() const;
  // The options of the report that gave the state, but for the bootstrap's, which are `bootstrap`.
  static Report from_state(const Value& state, const BootstrapOptions& bootstrap = {});

 private:
  friend class ReportWriter;
  bool has_top_k() const { return confusion_.classes() > options_.top_k; }
  std::vector<Figure> figures(const std::vector<Ranking::OfClass>& ranked) const;

  ReportOptions options_;
  int64_t samples_ = 0;
  ConfusionMatrix confusion_;
  TopK top_k_;
  ProbabilityErrors errors_;
  Calibration calibration_;
  Ranking ranking_;
};

}  // namespace kiln::metrics
