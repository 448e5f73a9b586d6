#include <kiln/project/classifier.h>

#include <algorithm>
#include <numeric>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/image/colour/colour.h>
#include <kiln/image/prepare.h>
#include <kiln/models/whole_file.h>
#include <kiln/project/grad_cam.h>
#include <kiln/project/overlay.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

// Of the first convolution or whatever else is first with a weight of four dimensions; 3 where there is none.
int64_t channels_of(const models::Model& model) {
  for (const auto& [name, x] : model.named_parameters())
    if (x.dim() == 4) return x.size(1);
  return 3;
}

}  // namespace

Classifier::Classifier(const std::string& file, Device device) : Classifier(models::load(file), device) {}

Classifier::Classifier(models::Model model, Device device)
    : model_(std::move(model)), device_(device), channels_(channels_of(model_)) {
  model_.to(device);
  model_.eval();
}

Tensor Classifier::prepare(const Tensor& picture) const {
  if (channels_ == 3) return image::prepare(picture, model_.card.preset);
  if (channels_ != 1) fail("classifier: {} takes pictures of {} channels", card().architecture, channels_);
  return image::prepare(image::to_grayscale(picture, 3), model_.card.preset).narrow(0, 0, 1);
}

Tensor Classifier::probabilities(const Tensor& batch) const {
  const NoGrad scope;
  return softmax(model_(batch.to(device_)).to(float32), 1).to(cpu);
}

std::vector<Guess> Classifier::predict(const Tensor& picture, int64_t top) const {
  const Tensor row = probabilities(prepare(picture).unsqueeze(0))[0];
  std::vector<Guess> guesses;
  for (const int64_t index : ranked(row, top))
    guesses.push_back({index, class_name(index), row[index].item<double>()});
  return guesses;
}

Tensor Classifier::explain(const Tensor& picture, int64_t index, const std::string& layer) const {
  nn::AnyModule copy = model_;  // its hooks are its own
  const Tensor x = prepare(picture);
  const HeatMap heat = grad_cam(copy, x.unsqueeze(0).to(device_), index, layer);
  return overlay(shown(x, model_.card.preset), heat.map);
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
