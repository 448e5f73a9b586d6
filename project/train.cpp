#include <kiln/project/train.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include <kiln/autograd/ops.h>
#include <kiln/data/annotations/manifest.h>
#include <kiln/data/folders/pictures.h>
#include <kiln/data/sampler.h>
#include <kiln/image/prepare.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/io/bytes/json.h>
#include <kiln/metrics/report.h>
#include <kiln/models/models.h>
#include <kiln/models/surgery.h>
#include <kiln/models/whole_file.h>
#include <kiln/project/augmentation.h>
#include <kiln/project/evaluate.h>
#include <kiln/project/open_data.h>
#include <kiln/project/overlay.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

constexpr int64_t kMostJson = int64_t(1) << 20;

// What makes two runs the same run.
Value plan_of(const TrainOptions& options) {
  return {{"data", options.data},
          {"model", options.model},
          {"weights", options.weights},
          {"augment", options.augment},
          {"balance", options.balance},
          {"validation", options.validation},
          {"image_size", options.image_size},
          {"recipe", to_value(options.recipe)}};
}

void check_same_plan(const std::string& path, const Value& plan) {
  const io::InputFile file(path);
  const Value before = io::parse_json(file.read(0, std::min(file.size(), kMostJson)), path, 16);
  const std::string text = io::json_text(plan);
  if (io::json_text(before) == text) return;
  for (const auto& [key, value] : plan.entries()) {
    const Value* old = before.find(key.text());
    const std::string now = io::json_text(value), then = old != nullptr ? io::json_text(*old) : "nothing";
    if (now != then)
      fail("train: {} was {} when the run began, and is {}; a new run wants another --out", key.text(), then,
           now);
  }
}

// Every picture with its split: as the run's own file says when it goes on.
data::Annotations set_of(const TrainOptions& options) {
  const std::string kept = options.out + "/data.jsonl";
  if (options.resume && std::filesystem::exists(kept))
    return data::read_manifest(kept, {.allow_outside = true});
  const data::Annotations all = open_data(options.data, {.allow_outside = true});
  check_pictures(all, "train", options.skip_bad);
  const data::Annotations set = with_validation(all, options.validation, options.recipe.seed);
  data::write_manifest(kept, set);
  return data::read_manifest(kept, {.allow_outside = true});
}

std::vector<int64_t> counts_of(const data::Pictures& set) {
  std::vector<int64_t> counts(set.class_names().size(), 0);
  for (int64_t i = 0; i < set.size(); ++i) ++counts[size_t(set.label(i))];
  return counts;
}

void check_classes(const data::Pictures& train, const data::Pictures& validation) {
  const std::vector<int64_t> learned = counts_of(train);
  for (int64_t i = 0; i < validation.size(); ++i)
    if (learned[size_t(validation.label(i))] == 0)
      fail("train: only the validation set has the class '{}' ({}); kiln data check tells more",
           train.class_names()[size_t(validation.label(i))], validation.annotations().images[size_t(i)].path);
  for (size_t label = 0; label < learned.size(); ++label)
    if (learned[label] == 0)
      fail("train: no picture to learn from is of the class '{}'; take it out of the set's classes",
           train.class_names()[label]);
}

bool has_weights(const data::Annotations& set, const Recipe& recipe) {
  const auto found = std::ranges::find_if(set.images, [](const auto& image) { return image.weight != 1; });
  if (found == set.images.end()) return false;
  if (recipe.mixup > 0 || recipe.cutmix > 0)
    fail(
        "train: '{}' has the weight {}, and mixup and cutmix mix pictures without weights; leave one of them "
        "out",
        found->path, found->weight);
  return true;
}

// The two sets, and what of them cannot be read.
struct Sets {
  data::Pictures train, validation;
  int64_t may_skip;

  // Throws when that are too many.
  FitOptions::Unread unread() const {
    const FitOptions::Unread unread = {int64_t(train.bad().size()), validation.bad()};
    if (unread.training + int64_t(unread.validation.size()) > may_skip)
      fail("train: {} pictures cannot be read, and {} may be skipped: {}",
           unread.training + int64_t(unread.validation.size()), may_skip, fmt::join(names(), ", "));
    return unread;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> paths;
    for (const data::Pictures* set : {&train, &validation})
      for (const int64_t i : set->bad()) paths.push_back(set->annotations().images[size_t(i)].path);
    return paths;
  }
};

// Prepared pictures [N,C,H,W] as ones to look at, uint8 [N,3,H,W].
Tensor shown_batch(const Tensor& batch, const image::Preset& preset) {
  Tensors pictures;
  for (int64_t i = 0; i < batch.size(0); ++i) pictures.push_back(shown(batch[i], preset));
  return stack(pictures);
}

Tensor shown_samples(const data::Pictures& set, const std::vector<int64_t>& samples,
                     const image::Preset& preset) {
  Tensors pictures;
  for (const int64_t i : samples) pictures.push_back(image::prepare(set.sample(i).tensors[0], preset));
  return shown_batch(stack(pictures), preset);
}

data::AnySampler balanced(const data::Pictures& set) {
  const std::vector<int64_t> counts = counts_of(set);
  std::vector<double> weights;
  for (int64_t i = 0; i < set.size(); ++i) weights.push_back(1 / double(counts[size_t(set.label(i))]));
  return data::WeightedRandomSampler(weights, set.size());
}

image::Preset preset_of(const models::Model& net, int64_t size) {
  image::Preset preset = net.card.preset;
  if (size > 0) {
    preset.resize = size * preset.resize / preset.crop;
    preset.crop = size;
  }
  return preset;
}

Value figures_of(const Predictions& predictions, const std::vector<std::string>& names) {
  metrics::ConfusionMatrix confusion(int64_t(names.size()));
  confusion.update(predictions.scores, predictions.labels);
  return {{"balanced_accuracy", confusion.balanced_accuracy()}, {"f1_macro", confusion.f1()}};
}

void keep(models::Model& net, const TrainOptions& options, const Value& metrics, bool is_best) {
  net.card.metrics.clear();
  for (const auto& [name, value] : metrics.entries())
    net.card.metrics.emplace_back(name.text(), value.as_float());
  models::save(net, options.out + "/last.kiln");
  if (is_best) models::save(net, options.out + "/best.kiln");
}

data::DataLoader loader_of(const data::Pictures& train, const TrainOptions& options,
                           const image::Preset& preset) {
  data::LoaderOptions how = {.batch_size = options.recipe.batch_size, .shuffle = options.balance.empty()};
  if (options.balance == "sampler") how.sampler = balanced(train);
  how.seed = options.recipe.seed;
  how.drop_last = train.size() >= options.recipe.batch_size;  // a batch norm learns nothing of a rest of one
  how.workers = options.workers;
  how.transform = augmentation(options.augment, preset);
  return data::DataLoader(train, how);
}

Device device_of(const TrainOptions& options) {
  return options.device.empty() ? default_device() : Device(options.device);
}

// How good the best epoch's model is, with all that was skipped, of the training set too.
void report(const TrainOptions& options, const data::Annotations& judged,
            const std::vector<std::string>& skipped) {
  const Classifier best(options.out + "/best.kiln", device_of(options));
  Evaluation evaluation = evaluate(
      best, judged,
      {.batch_size = options.recipe.batch_size, .workers = options.workers, .skip_bad = options.skip_bad});
  evaluation.skipped = skipped;
  write(evaluation, best, options.out);
}

}  // namespace

TrainResult train(const TrainOptions& options) {
  check(options.recipe);
  if (!options.balance.empty() && options.balance != "sampler")
    fail("train: balance is '{}', and should be 'sampler' or nothing", options.balance);
  if (const std::error_code error = io::make_folders(options.out))
    fail("{}: {}", options.out, error.message());
  const std::string plan_file = options.out + "/recipe.json";
  const Value plan = plan_of(options);
  if (options.resume && std::filesystem::exists(plan_file))
    check_same_plan(plan_file, plan);
  else
    io::write_text(plan_file, io::json_text(plan, 1) + "\n");

  const data::Annotations set = set_of(options);
  const data::PicturesOptions reading = {.skip_bad = options.skip_bad};
  const data::Annotations learned = set.of_split("train");
  const Sets sets = {
      data::Pictures(learned, {.weight = has_weights(learned, options.recipe), .skip_bad = options.skip_bad}),
      data::Pictures(set.of_split("val"), reading), options.skip_bad};
  check_classes(sets.train, sets.validation);

  manual_seed(options.recipe.seed);
  models::Model net =
      models::create(options.model, {.num_classes = int64_t(set.classes.size()), .weights = options.weights});
  net.card.preset = preset_of(net, options.image_size);
  net.card.class_names = set.classes;
  net.card.command = options.command;
  const auto prepare = [preset = net.card.preset](const Tensor& picture, data::RandomStream&) {
    return image::prepare(picture, preset);
  };
  const FitData data = {
      .train = loader_of(sets.train, options, net.card.preset),
      .validation = data::DataLoader(
          sets.validation,
          {.batch_size = options.recipe.batch_size, .workers = options.workers, .transform = prepare}),
      .class_counts = counts_of(sets.train)};
  TrainResult result = {
      fit(net, data, options.recipe,
          {.folder = options.out,
           .device = device_of(options),
           .head = models::head_name(options.model),
           .resume = options.resume,
           .go_on = options.go_on,
           .measure = [&](const Predictions& predictions) { return figures_of(predictions, set.classes); },
           .show_batch = [&](const Tensor& batch) { return shown_batch(batch, net.card.preset); },
           .show_samples =
               [&](const std::vector<int64_t>& samples) {
                 return shown_samples(sets.validation, samples, net.card.preset);
               },
           .unread = [&] { return sets.unread(); },
           .keep = [&](const Value& metrics, bool is_best) { keep(net, options, metrics, is_best); }}),
      {}};
  result.skipped = sets.names();
  if (!result.interrupted && result.best_epoch > 0) report(options, set.of_split("val"), result.skipped);
  return result;
}

}  // namespace kiln::project
