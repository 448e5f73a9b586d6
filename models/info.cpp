#include <kiln/models/info.h>

#include <algorithm>

#include <kiln/models/published.h>
#include <kiln/models/registry.h>

namespace kiln::nn::models {

namespace {

// The weights whose pictures are not normalised by ImageNet's mean and deviation.
void set_statistics(PublishedWeights& weights) {
  if (weights.file.starts_with("efficientnet_v2_l-")) {
    weights.preset.mean = {0.5f, 0.5f, 0.5f};
    weights.preset.std = {0.5f, 0.5f, 0.5f};
  } else if (weights.file.starts_with("vgg16_features-")) {
    constexpr float kStep = 1.0f / 255;
    weights.preset.mean = {0.48235f, 0.45882f, 0.40784f};
    weights.preset.std = {kStep, kStep, kStep};
  }
}

PublishedWeights published(const PublishedRow& row) {
  PublishedWeights weights{.name = row.name,
                           .file = row.file,
                           .preset = {row.resize, row.crop, row.interpolation},
                           .parameters = row.parameters,
                           .acc1 = row.acc1,
                           .acc5 = row.acc5,
                           .gmacs = row.gmacs,
                           .is_default = row.is_default};
  set_statistics(weights);
  return weights;
}

// torchvision's size where none is given.
constexpr int64_t kImageSize = 224;

const PublishedWeights& usual_weights(const ModelInfo& info) {
  const bool has_size = std::ranges::find(info.options, "image_size") != info.options.end();
  return *std::ranges::find_if(info.weights, [&](const PublishedWeights& weights) {
    return has_size ? weights.preset.crop == kImageSize : weights.is_default;
  });
}

}  // namespace

ModelInfo info(std::string_view name) {
  const Registered model = registered(name);
  const Family& family = *model.family;
  ModelInfo info{.name = model.builder.name,
                 .type = family.type,
                 .preset = model.builder.preset.value_or(family.preset),
                 .options = family.options,
                 .heads = family.heads};
  for (const PublishedRow& row : published_rows())
    if (info.name == row.model && !model.is_own) info.weights.push_back(published(row));
  if (!info.weights.empty()) {
    const PublishedWeights& usual = usual_weights(info);
    info.preset = usual.preset;
    info.parameters = usual.parameters;
    info.gmacs = usual.gmacs;
  }
  info.options.insert(info.options.begin(), "num_classes");
  info.input = {1, info.preset.channels, info.preset.crop, info.preset.crop};
  return info;
}

std::optional<PublishedWeights> find_published(std::string_view file, std::string* model) {
  file = file.substr(file.find_last_of('/') + 1);
  for (const PublishedRow& row : published_rows())
    if (file == row.file) {
      if (model != nullptr) *model = row.model;
      return published(row);
    }
  return std::nullopt;
}

}  // namespace kiln::nn::models
