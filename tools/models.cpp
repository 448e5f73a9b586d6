#include <kiln/models/models.h>

#include <algorithm>

#include <kiln/io/bytes/json.h>
#include <kiln/nn/init.h>
#include <kiln/nn/summary.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/command.h>
#include <kiln/tools/output.h>

namespace kiln::tools {
namespace {

using models::ModelInfo;
using models::PublishedWeights;

constexpr const char* kInterpolations[] = {"nearest", "bilinear", "bicubic", "lanczos"};

std::string interpolation(const image::Preset& preset) {
  return kInterpolations[size_t(preset.interpolation)];
}

const PublishedWeights* default_weights(const ModelInfo& info) {
  const auto found = std::ranges::find_if(info.weights, &PublishedWeights::is_default);
  return found == info.weights.end() ? nullptr : &*found;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Nothing where it is not known.
std::string number(double value, int decimals) {
  return value == 0 ? "-" : fmt::format("{:.{}f}", value, decimals);
}

std::string json_list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + io::json_string(word);
  return "[" + text + "]";
}

std::string json_of(const image::Preset& preset) {
  return fmt::format(
      R"({{"resize":{},"crop":{},"interpolation":"{}","mean":[{},{},{}],"std":[{},{},{}],"channels":{}}})",
      preset.resize, preset.crop, interpolation(preset), preset.mean[0], preset.mean[1], preset.mean[2],
      preset.std[0], preset.std[1], preset.std[2], preset.channels);
}

std::string json_of(const PublishedWeights& weights) {
  return fmt::format(
      R"({{"name":{},"file":{},"default":{},"parameters":{},"acc1":{},"acc5":{},"gmacs":{},"preset":{}}})",
      io::json_string(weights.name), io::json_string(weights.file), weights.is_default, weights.parameters,
      weights.acc1, weights.acc5, weights.gmacs, json_of(weights.preset));
}

std::string json_of(const ModelInfo& info) {
  std::string weights;
  for (const PublishedWeights& each : info.weights) weights += (weights.empty() ? "" : ",") + json_of(each);
  return fmt::format(
      R"({{"name":{},"class":{},"parameters":{},"gmacs":{},"preset":{},"options":{},"heads":{},"weights":[{}]}})",
      io::json_string(info.name), io::json_string(info.type), info.parameters, info.gmacs,
      json_of(info.preset), json_list(info.options), json_list(info.heads), weights);
}

std::string table(const std::vector<ModelInfo>& models) {
  std::string text = fmt::format("{:<20} {:>11} {:>9} {:>6} {:>5}  {:<13} {:>6}  {}\n", "model", "parameters",
                                 "GMACs", "resize", "crop", "interpolation", "acc@1", "default weights");
  for (const ModelInfo& info : models) {
    const PublishedWeights* weights = default_weights(info);
    text += fmt::format(
        "{:<20} {:>11} {:>9} {:>6} {:>5}  {:<13} {:>6}  {}\n", info.name, number(double(info.parameters), 0),
        number(info.gmacs, 3), info.preset.resize, info.preset.crop, interpolation(info.preset),
        weights == nullptr ? "-" : number(weights->acc1, 2), weights == nullptr ? "-" : weights->file);
  }
  return text;
}

// The network is made, without initial values, and run once to see its layers.
nn::Summary summary_of(const ModelInfo& info) {
  const nn::init::Skip skip;
  models::Model net = models::create(info.name);
  return nn::summarize(net, info.input);
}

std::string page(const ModelInfo& info) {
  std::string text = to_string(summary_of(info));
  text += fmt::format("\n{}: {}, head {}, options {}\npictures: resize {}, crop {}, {}\n", info.name,
                      info.type, joined(info.heads), joined(info.options), info.preset.resize,
                      info.preset.crop, interpolation(info.preset));
  for (const PublishedWeights& weights : info.weights)
    text += fmt::format("{} {:<26} {:<40} acc@1 {:>6} acc@5 {:>6}  resize {}, crop {}, {}\n",
                        weights.is_default ? "*" : " ", weights.name, weights.file, number(weights.acc1, 3),
                        number(weights.acc5, 3), weights.preset.resize, weights.preset.crop,
                        interpolation(weights.preset));
  return text;
}

}  // namespace

void list_models(const ModelsOptions& options) {
  if (!options.name.empty()) {
    const ModelInfo info = models::info(options.name);
    print(options.json ? json_of(info) + "\n" : page(info));
    return;
  }
  std::vector<ModelInfo> all;
  for (const std::string& name : models::names()) all.push_back(models::info(name));
  if (!options.json) return print(table(all));
  std::string text;
  for (const ModelInfo& info : all) text += (text.empty() ? "" : ",\n ") + json_of(info);
  print("[" + text + "]\n");
}

}  // namespace kiln::tools
