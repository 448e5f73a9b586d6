#include <cmath>
#include <limits>

#include <kiln/metrics/confusion_matrix.h>

namespace kiln::metrics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The rate of one class from what was right of it, its predictions and its targets.
struct Part {
  double right = 0, predicted = 0, targets = 0;
};

double divided(double a, double b, double otherwise) { return b > 0 ? a / b : otherwise; }

}  // namespace

bool ConfusionMatrix::occurs(int64_t label) const {
  return targets_of(label) > 0 || predictions_of(label) > 0;
}

std::vector<double> ConfusionMatrix::rates(Rate rate, double beta, double zero_division) const {
  std::vector<double> result;
  for (int64_t label = 0; label < classes_; ++label) {
    const Part part = {at(label, label), predictions_of(label), targets_of(label)};
    const double square = beta * beta;
    if (rate == Rate::precision)
      result.push_back(divided(part.right, part.predicted, zero_division));
    else if (rate == Rate::recall)
      result.push_back(divided(part.right, part.targets, zero_division));
    else if (rate == Rate::fbeta)
      result.push_back(
          divided((1 + square) * part.right, square * part.targets + part.predicted, zero_division));
    else
      result.push_back(divided(part.right, part.targets + part.predicted - part.right, zero_division));
  }
  return result;
}

double ConfusionMatrix::average(Rate rate, double beta, const AverageOptions& options) const {
  const double all = total();
  if (!(all > 0)) return kNan;
  if (options.average == Average::micro) {
    // Each sample has one target and one prediction, so precision, recall and F agree.
    return rate == Rate::iou ? right() / (2 * all - right()) : accuracy();
  }
  const std::vector<double> values = rates(rate, beta, options.zero_division);
  ExactSum sum, weights;
  for (int64_t label = 0; label < classes_; ++label) {
    if (std::isnan(values[size_t(label)]) || (!options.all_classes && !occurs(label))) continue;
    const double weight = options.average == Average::weighted ? targets_of(label) : 1;
    sum.add_product(values[size_t(label)], weight);
    weights.add(weight);
  }
  return divided(sum.value(), weights.value(), options.zero_division);
}

double ConfusionMatrix::accuracy() const { return divided(right(), total(), kNan); }

double ConfusionMatrix::balanced_accuracy(bool adjusted) const {
  ExactSum recalls;
  double present = 0;
  for (int64_t label = 0; label < classes_; ++label)
    if (const double targets = targets_of(label); targets > 0) {
      recalls.add(at(label, label) / targets);
      ++present;
    }
  if (present == 0) return kNan;
  const double mean = recalls.value() / present, chance = 1 / present;
  return adjusted ? (mean - chance) / (1 - chance) : mean;
}

double ConfusionMatrix::precision(const AverageOptions& options) const {
  return average(Rate::precision, 1, options);
}
double ConfusionMatrix::recall(const AverageOptions& options) const {
  return average(Rate::recall, 1, options);
}
double ConfusionMatrix::fbeta(double beta, const AverageOptions& options) const {
  return average(Rate::fbeta, beta, options);
}
double ConfusionMatrix::iou(const AverageOptions& options) const { return average(Rate::iou, 1, options); }

std::vector<double> ConfusionMatrix::precisions(double zero_division) const {
  return rates(Rate::precision, 1, zero_division);
}
std::vector<double> ConfusionMatrix::recalls(double zero_division) const {
  return rates(Rate::recall, 1, zero_division);
}
std::vector<double> ConfusionMatrix::fbetas(double beta, double zero_division) const {
  return rates(Rate::fbeta, beta, zero_division);
}
std::vector<double> ConfusionMatrix::ious(double zero_division) const {
  return rates(Rate::iou, 1, zero_division);
}

double ConfusionMatrix::cohen_kappa(KappaWeights weights) const {
  std::vector<double> rows, columns;
  for (int64_t label = 0; label < classes_; ++label) {
    rows.push_back(targets_of(label));
    columns.push_back(predictions_of(label));
  }
  const double all = total();
  ExactSum observed, expected;
  for (int64_t i = 0; i < classes_; ++i)
    for (int64_t j = 0; j < classes_; ++j) {
      const double apart = double(std::abs(i - j));
      const double cost = weights == KappaWeights::none     ? double(i != j)
                          : weights == KappaWeights::linear ? apart
                                                            : apart * apart;
      if (cost == 0) continue;
      observed.add_product(cost, at(i, j));
      expected.add_product(cost, rows[size_t(i)] * columns[size_t(j)] / all);
    }
  const double by_chance = expected.value();
  return by_chance > 0 ? 1 - observed.value() / by_chance : kNan;
}

// Gorodkin's for several classes ("Comparing two K-category assignments by a K-category correlation
// coefficient", 2004).
double ConfusionMatrix::matthews() const {
  const double all = total();
  if (!(all > 0)) return kNan;
  ExactSum covariance, of_targets, of_predictions;
  covariance.add_product(right(), all);
  of_targets.add_product(all, all);
  of_predictions.add_product(all, all);
  for (int64_t label = 0; label < classes_; ++label) {
    const double targets = targets_of(label), predictions = predictions_of(label);
    covariance.add_product(-targets, predictions);
    of_targets.add_product(-targets, targets);
    of_predictions.add_product(-predictions, predictions);
  }
  const double a = of_targets.value(), b = of_predictions.value();
  return a > 0 && b > 0 ? covariance.value() / (std::sqrt(a) * std::sqrt(b)) : 0;
}

}  // namespace kiln::metrics
