#include <kiln/project/augmentation.h>

#include <algorithm>
#include <vector>

#include <kiln/data/augment/choose.h>
#include <kiln/data/augment/colour.h>
#include <kiln/data/augment/move.h>
#include <kiln/data/augment/policy.h>
#include <kiln/image/prepare.h>
#include <kiln/tensor/base/closest_word.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

const std::vector<std::string> kWords = {"crop",    "flip", "vflip", "quarter", "rotate", "jitter",
                                         "trivial", "rand", "blur",  "grey",    "erase",  "none"};

std::vector<std::string> split(const std::string& words) {
  std::vector<std::string> list;
  for (size_t begin = 0; begin <= words.size();) {
    const size_t end = std::min(words.find(',', begin), words.size());
    if (end > begin) list.push_back(words.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

void check(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (std::ranges::find(kWords, word) != kWords.end()) continue;
    const std::string close = closest_word(word, kWords);
    fail("augmentation: there is no '{}'{}; there are {}", word,
         close.empty() ? "" : fmt::format(", did you mean '{}'?", close), fmt::join(kWords, ", "));
  }
}

}  // namespace

data::Compose augmentation(const std::string& words, const image::Preset& preset) {
  const std::vector<std::string> list = split(words);
  check(list);
  const auto has = [&](const char* word) { return std::ranges::find(list, word) != list.end(); };
  std::vector<data::AnyTransform> steps;
  const auto add = [&](const char* word, auto step) {
    if (has(word)) steps.emplace_back(std::move(step));
  };
  add("crop",
      data::RandomResizedCrop(preset.crop, {.scale = {0.35, 1}, .interpolation = preset.interpolation}));
  add("flip", data::RandomHorizontalFlip());
  add("vflip", data::RandomVerticalFlip());
  add("quarter", data::RandomQuarterTurn());
  add("rotate", data::RandomRotation(15, {.interpolation = image::Interpolation::bilinear}));
  add("jitter", data::ColorJitter({.brightness = 0.3, .contrast = 0.3, .saturation = 0.3, .hue = 0.05}));
  add("trivial", data::TrivialAugmentWide());
  add("rand", data::RandAugment());
  add("blur", data::RandomApply({data::GaussianBlur(5)}, 0.2));
  add("grey", data::RandomGrayscale());
  if (has("crop")) {
    if (preset.channels == 1) steps.emplace_back(data::Grayscale());
    steps.emplace_back(data::ToFloat());
    steps.emplace_back(data::Normalize({preset.mean.begin(), preset.mean.begin() + preset.channels},
                                       {preset.std.begin(), preset.std.begin() + preset.channels}));
  } else {
    steps.emplace_back(
        [preset](const Tensor& picture, data::RandomStream&) { return image::prepare(picture, preset); });
  }
  add("erase", data::RandomErasing({.probability = 0.25}));
  return data::Compose(std::move(steps));
}

}  // namespace kiln::project
