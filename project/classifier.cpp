#include <kiln/project/classifier.h>

#include <algorithm>
#include <numeric>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/image/prepare.h>
#include <kiln/models/fuse.h>
#include <kiln/models/whole_file.h>
#include <kiln/project/overlay.h>

namespace kiln::project {
Classifier::Classifier(const std::string& file, Device device) : Classifier(models::load(file), device) {}

Classifier::Classifier(models::Model model, Device device) : model_(std::move(model)), device_(device) {
  model_.to(device);
  model_.eval();
  fused_ = models::fuse_conv_bn(model_);
}

Tensor Classifier::prepare(const Tensor& picture) const { return image::prepare(picture, card().preset); }

Tensor Classifier::prepare(std::string_view bytes, const image::DecodeOptions& options) const {
  return image::prepare(bytes, card().preset, options);
}

Shape Classifier::input() const {
  const image::Preset& preset = card().preset;
  return {preset.channels, preset.crop, preset.crop};
}

Tensor Classifier::scores(const Tensor& batch) const {
  const NoGrad scope;
  return fused_(batch.to(device_)).to(cpu).to(float32);
}

Tensor Classifier::probabilities(const Tensor& batch) const { return softmax(scores(batch), 1); }

std::vector<Guess> Classifier::predict(const Tensor& picture, int64_t top) const {
  const Tensor row = probabilities(prepare(picture).unsqueeze(0))[0];
  std::vector<Guess> guesses;
  for (const int64_t index : ranked(row, top))
    guesses.push_back({index, class_name(index), row[index].item<double>()});
  return guesses;
}

HeatMap Classifier::heat_map(const Tensor& prepared, int64_t index, const std::string& layer) const {
  nn::AnyModule copy = model_;  // its hooks are its own
  return grad_cam(copy, prepared.unsqueeze(0).to(device_), index, layer);
}

Tensor Classifier::explain(const Tensor& picture, int64_t index, const std::string& layer) const {
  const Tensor x = prepare(picture);
  return overlay(shown(x, card().preset), heat_map(x, index, layer).map);
}

std::string Classifier::class_name(int64_t index) const {
  const auto& names = model_.card.class_names;
  return index >= 0 && index < int64_t(names.size()) ? names[size_t(index)] : std::to_string(index);
}

std::vector<int64_t> ranked(const Tensor& probabilities, int64_t top) {
  const std::vector<float> values = probabilities.to(float32).to_vector<float>();
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), int64_t(0));
  const size_t shown = std::min(size_t(std::max<int64_t>(top, 0)), order.size());
  std::partial_sort(order.begin(), order.begin() + int64_t(shown), order.end(), [&](int64_t a, int64_t b) {
    const float x = values[size_t(a)], y = values[size_t(b)];
    return x != y ? x > y : a < b;
  });
  order.resize(shown);
  return order;
}

}  // namespace kiln::project
