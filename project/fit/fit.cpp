#include <kiln/project/fit/fit.h>

#include <chrono>
#include <cmath>

#include <kiln/autograd/autocast.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/ops_nn.h>
#include <kiln/optim/clip_grad.h>
#include <kiln/optim/grad_scaler.h>
#include <kiln/project/fit/history.h>
#include <kiln/project/fit/optimise.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/train/augment/mix.h>
#include <kiln/train/checkpoint.h>
#include <kiln/train/ema.h>
#include <kiln/train/interrupt.h>
#include <kiln/train/report/events.h>
#include <kiln/train/report/progress.h>
#include <kiln/train/step.h>

namespace kiln::project {
namespace {

constexpr int64_t kMostShown = 32;  // pictures of a grid for TensorBoard
constexpr int64_t kReadEvery = 20;  // steps between looks at the losses, which wait for the device

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Tensor class_weights(const FitData& data, const Recipe& recipe, Device device) {
  if (!recipe.class_weights) return {};
  double all = 0;
  for (const int64_t count : data.class_counts) all += double(count);
  std::vector<float> weights;
  for (const int64_t count : data.class_counts)
    weights.push_back(count > 0 ? float(all / (double(data.class_counts.size()) * double(count))) : 0.0f);
  return from_values(weights, {int64_t(weights.size())}).to(device);
}

class Run {
 public:
  Run(nn::AnyModule& net, const FitData& data, const Recipe& recipe, const FitOptions& options)
      : net_(net),
        data_(data),
        recipe_(recipe),
        options_(options),
        precision_(recipe.amp.empty() ? float32 : dtype_from_name(recipe.amp)),
        weights_(class_weights(data, recipe, options.device)),
        optimizer_(make_optimizer(net, options.head, recipe)),
        schedule_(make_schedule(*optimizer_, recipe, recipe.epochs * data.train.size())),
        scaler_({.enabled = precision_ == float16}),
        checkpoint_(options.folder + "/checkpoint.kiln") {
    if (recipe.ema > 0) ema_ = make_box<train::EMA>(net, train::EMAOptions{.decay = recipe.ema});
    checkpoint_.add("model", net_.module()).add("optimizer", *optimizer_).add("schedule", *schedule_);
    checkpoint_.add("loader", data_.train).add("generator", default_generator());
    checkpoint_.add("history", history_).add("step", step_).add("loss_sum", loss_sum_);
    checkpoint_.add("seconds", seconds_).add("waited", waited_);
    if (scaler_.is_enabled()) checkpoint_.add("scaler", scaler_);
    if (ema_) checkpoint_.add("ema", *ema_);
  }

  FitResult run() {
    const train::Interrupt interrupt;
    if (options_.resume && checkpoint_.exists()) checkpoint_.load();
    events_ =
        make_box<io::EventWriter>(options_.folder, io::EventOptions{.resume_at = step_ > 0 ? step_ : -1});
    FitResult result;
    while (int64_t(epochs().size()) < recipe_.epochs && !is_tired()) {
      if (!train_epoch(interrupt)) {
        checkpoint_.save();
        result.interrupted = true;
        break;
      }
      judge();
      checkpoint_.save();
    }
    events_->flush();
    result.history = epochs();
    const int64_t best = best_of(result.history, recipe_.metric);
    result.best_epoch = best + 1;
    if (best >= 0) result.best = result.history[size_t(best)].at("validation").at(recipe_.metric).as_float();
    return result;
  }

 private:
  const std::vector<Value>& epochs() const { return std::as_const(history_).items(); }

  // No better epoch for as long as the recipe has patience.
  bool is_tired() const {
    const int64_t best = best_of(epochs(), recipe_.metric);
    return recipe_.patience > 0 && best >= 0 && int64_t(epochs().size()) - 1 - best >= recipe_.patience;
  }

  // The batch on the device, mixed where the recipe mixes.
  Tensors moved(const data::Batch& batch) const {
    Tensors parts;
    for (const Tensor& x : batch.tensors) parts.push_back(x.to(options_.device));
    if (recipe_.mixup == 0 && recipe_.cutmix == 0) return parts;
    if (parts.size() > 2)
      fail("fit: samples that have weights cannot be mixed; leave out mixup and cutmix, or the weights");
    const auto classes = int64_t(data_.class_counts.size());
    data::RandomStream random = data::RandomStream::for_batch(recipe_.seed, batch.epoch, batch.index);
    const bool cuts = recipe_.cutmix > 0 && (recipe_.mixup == 0 || random.below(2) == 1);
    const train::Mixed mixed =
        cuts ? train::cutmix(parts[0], parts[1], classes, random, {.alpha = recipe_.cutmix})
             : train::mixup(parts[0], parts[1], classes, random, {.alpha = recipe_.mixup});
    return {mixed.images, mixed.targets};
  }

  // The mean; where samples have weights, each sample's counts as often as its weight says.
  Tensor loss_of(const Tensor& scores, const Tensors& batch) const {
    CrossEntropyOptions how = {.weight = weights_, .label_smoothing = recipe_.label_smoothing};
    if (batch.size() < 3) return cross_entropy(scores, batch[1], how);
    how.reduction = Reduction::none;
    const Tensor each = cross_entropy(scores, batch[1], how);
    Tensor counted = batch[2];
    if (weights_.defined()) counted = counted * weights_.index_select(0, batch[1]);
    constexpr double kLeast = 1e-12;  // a batch of weights 0 teaches nothing
    return sum(each * batch[2]) / clamp_min(sum(counted), kLeast);
  }

  Tensor train_on(const Tensors& batch) {
    optimizer_->zero_grad();
    Tensor loss;
    {
      const Autocast amp(precision_, precision_ != float32);
      loss = loss_of(net_(batch[0]), batch);
    }
    scaler_.scale(loss).backward();
    if (recipe_.clip > 0) {
      if (scaler_.is_enabled()) scaler_.unscale_(*optimizer_);
      optim::clip_grad_norm_(net_.parameters(), recipe_.clip);
    }
    scaler_.step(*optimizer_);
    scaler_.update();
    if (ema_) ema_->update();
    return loss.detach();
  }

  // Adds up what has come since the last time.
  void read_losses() {
    for (const double loss : recent_.read()) {
      if (!std::isfinite(loss))
        fail("fit: the loss is {} in epoch {}; lower lr ({}), or set clip", loss, epochs().size() + 1,
             recipe_.lr);
      loss_sum_ += loss;
      bar_->advance(0, loss);
      events_->scalar("loss/training", loss, step_);
    }
  }

  bool train_epoch(const train::Interrupt& interrupt) {
    train_mode(net_);
    const int64_t epoch = int64_t(epochs().size()), steps = data_.train.size();
    bar_ =
        make_box<io::Progress>(fmt::format("epoch {}/{}", epoch + 1, recipe_.epochs), data_.train.samples());
    bar_->resume_at(std::min((step_ - epoch * steps) * recipe_.batch_size, data_.train.samples()));
    double since = now(), asked = since;
    auto at = data_.train.epoch(epoch).begin();
    for (; at != data::BatchIterator::End(); ++at) {
      waited_ += now() - asked;
      const Tensors parts = moved(*at);
      if (step_ == 0 && options_.show_batch) {
        const Tensor x = parts[0].narrow(0, 0, std::min(parts[0].size(0), kMostShown));
        events_->images("pictures/training", options_.show_batch(x.to(cpu)), step_);
      }
      recent_.add(train_on(parts));
      schedule_->step();
      ++step_;
      bar_->advance(at->size());
      const bool leaves = interrupt.requested();
      if (leaves || step_ % kReadEvery == 0 || step_ % steps == 0) read_losses();
      asked = now();
      if (leaves) {
        bar_->finish();
        seconds_ += now() - since;
        return false;
      }
    }
    seconds_ += now() - since;
    return true;
  }

  void judge() {
    const int64_t epoch = int64_t(epochs().size()) + 1;
    const double loss = loss_sum_ / double(data_.train.size());
    Box<train::EMA::Applied> averaged;
    if (ema_) averaged = make_box<train::EMA::Applied>(*ema_);
    Value entry = {{"epoch", epoch},
                   {"loss", loss},
                   {"lr", optimizer_->lr()},
                   {"seconds", seconds_},
                   {"waited", seconds_ > 0 ? waited_ / seconds_ : 0.0}};
    Predictions predictions = predict(net_, data_.validation, options_.device);
    const FitOptions::Unread unread = options_.unread ? options_.unread() : FitOptions::Unread();
    const std::vector<int64_t> rows = rows_without(data_.validation.samples(), unread.validation);
    if (!unread.validation.empty()) predictions = rows_of(predictions, rows);
    show_mistakes(predictions, rows);
    const int64_t skipped = unread.training + int64_t(unread.validation.size());
    if (skipped > 0) entry["skipped"] = skipped;
    entry["validation"] = measure(predictions);
    history_.push_back(entry);
    for (const auto& [name, value] : entry.at("validation").entries())
      events_->scalar(name.text() + "/validation", value.as_float(), step_);
    bar_->finish(summary(entry.at("validation")) + (skipped > 0 ? fmt::format("  {} skipped", skipped) : ""));
    write_history(options_.folder, epochs(), recipe_.metric);
    if (options_.keep) options_.keep(entry.at("validation"), best_of(epochs(), recipe_.metric) == epoch - 1);
    loss_sum_ = seconds_ = waited_ = 0;
  }

  Value measure(const Predictions& predictions) const {
    const NoGrad scope;
    Value metrics = Value::dict();
    if (predictions.scores.defined()) {
      metrics["loss"] = cross_entropy(predictions.scores, predictions.labels).item<double>();
      metrics["accuracy"] =
          mean((argmax(predictions.scores, 1) == predictions.labels).to(float64)).item<double>();
      if (options_.measure)
        for (const auto& [name, value] : options_.measure(predictions).entries()) metrics[name] = value;
    }
    if (metrics.find(recipe_.metric) == nullptr)
      fail("fit: nobody measures '{}' on the validation set; there are {}", recipe_.metric,
           names_of(metrics));
    return metrics;
  }

  // `rows` are the samples that the predictions are of.
  void show_mistakes(const Predictions& predictions, const std::vector<int64_t>& rows) {
    if (!options_.show_samples || !predictions.scores.defined()) return;
    std::vector<int64_t> samples;
    for (const int64_t i : surest_mistakes(probabilities(predictions), predictions.labels, kMostShown))
      samples.push_back(rows[size_t(i)]);
    if (!samples.empty()) events_->images("pictures/mistakes", options_.show_samples(samples), step_);
  }

  static std::string names_of(const Value& metrics) {
    std::string names;
    for (const auto& [name, value] : metrics.entries()) names += (names.empty() ? "" : ", ") + name.text();
    return names.empty() ? "none, since it is empty" : names;
  }

  std::string summary(const Value& metrics) const {
    std::string text;
    for (const auto& [name, value] : metrics.entries())
      text += fmt::format("{}{} {:.4f}", text.empty() ? "" : "  ", name.text(), value.as_float());
    return text;
  }

  nn::AnyModule& net_;
  FitData data_;
  const Recipe& recipe_;
  const FitOptions& options_;
  DType precision_;
  Tensor weights_;
  Box<optim::Optimizer> optimizer_;
  Box<optim::LRScheduler> schedule_;
  optim::GradScaler scaler_;
  Box<train::EMA> ema_;
  train::Checkpoint checkpoint_;
  train::Losses recent_;
  Box<io::Progress> bar_;
  Box<io::EventWriter> events_;
  // Of the run; of the epoch under way.
  Value history_ = Value::list();
  int64_t step_ = 0;
  double loss_sum_ = 0, seconds_ = 0, waited_ = 0;
};

}  // namespace

FitResult fit(nn::AnyModule& net, const FitData& data, const Recipe& recipe, const FitOptions& options) {
  check(recipe);
  if (data.train.size() == 0) fail("fit: there is nothing to learn from, the training set has no batch");
  if ((recipe.mixup > 0 || recipe.cutmix > 0 || recipe.class_weights) && data.class_counts.empty())
    fail("fit: mixup, cutmix and class_weights want FitData::class_counts");
  for (const std::string& pattern : recipe.freeze) net.freeze(pattern);
  net.to(options.device);
  const FitResult result = Run(net, data, recipe, options).run();
  if (result.interrupted)
    train::stopped({.where = fmt::format("epoch {}", result.history.size() + 1),
                    .written = {options.folder + "/checkpoint.kiln"},
                    .go_on = options.go_on});
  return result;
}

}  // namespace kiln::project
