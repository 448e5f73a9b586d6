#include <kiln/metrics/top_k.h>

#include <kiln/metrics/inputs.h>
#include <kiln/metrics/state.h>

namespace kiln::metrics {
namespace {

constexpr const char* kName = "TopK";

}  // namespace

TopK::TopK(int64_t k, int64_t classes, const LabelOptions& options)
    : k_(k), classes_(classes), options_(options) {
  check_classes(kName, classes);
  if (k < 1 || k > classes) fail("{}: k must be in 1 .. {} (the classes), got {}", kName, classes, k);
}

void TopK::update(const Tensor& scores, const Tensor& targets, const Tensor& weights) {
  const Samples samples = read_samples(kName, targets, weights, classes_, options_.ignore_index);
  const Scores values = read_scores(kName, scores, targets, classes_);
  for (size_t i = 0; i < samples.kept.size(); ++i) {
    const int64_t sample = samples.kept[i], target = samples.targets[i];
    const double score = values.at(sample, target);
    int64_t before = 0;
    for (int64_t c = 0; c < classes_; ++c) {
      const double other = values.at(sample, c);
      before += other > score || (other == score && c < target);
    }
    if (before < k_) right_.add(samples.weight(i));
    all_.add(samples.weight(i));
  }
}

void TopK::merge(const TopK& other) {
  if (other.k_ != k_ || other.classes_ != classes_)
    fail("{}: top {} of {} classes cannot be merged into top {} of {}", kName, other.k_, other.classes_, k_,
         classes_);
  right_.merge(other.right_);
  all_.merge(other.all_);
}

double TopK::compute() const { return right_.value() / all_.value(); }

Value TopK::state() const {
  return state_of(kName, {{"k", k_},
                          {"classes", classes_},
                          {"ignore_index", options_.ignore_index},
                          {"right", right_.state()},
                          {"all", all_.state()}});
}

TopK TopK::from_state(const Value& state) {
  check_kind(state, kName);
  TopK top(count_of(state, "k"), count_of(state, "classes"),
           {.ignore_index = state.at("ignore_index").as_int()});
  top.right_ = ExactSum::from_state(state.at("right"));
  top.all_ = ExactSum::from_state(state.at("all"));
  return top;
}

}  // namespace kiln::metrics
