#include <kiln/serve/network.h>

#include <kiln/project/classifier.h>
#include <kiln/tensor/fmt.h>

namespace kiln::serve {
namespace {

const char* name_of(image::Interpolation interpolation) {
  constexpr const char* kNames[] = {"nearest", "bilinear", "bicubic", "Lanczos"};
  return kNames[size_t(interpolation)];
}

class Network : public Engine {
 public:
  Network(const std::string& path, const NetworkOptions& options) : classifier_(path, options.device) {
    const models::Card& card = classifier_.card();
    const image::Preset& preset = card.preset;
    decoding_.max_pixels = options.max_pixels;
    info_ = {.name = options.name,
             .version = options.version,
             .architecture = card.architecture,
             .classes = card.class_names};
    for (const auto& [name, number] : card.metrics) info_.metrics[name] = number;
    info_.input = classifier_.input();
    info_.seen = double(preset.crop) / double(preset.resize);
    info_.preset = fmt::format("{}the shorter side to {} pixels ({}), the middle {} x {}",
                               preset.channels == 1 ? "grey, " : "", preset.resize,
                               name_of(preset.interpolation), preset.crop, preset.crop);
  }

  const ModelInfo& info() const override { return info_; }
  Tensor run(const Tensor& batch) override { return classifier_.scores(batch); }
  Tensor prepare(std::string_view picture) const override { return classifier_.prepare(picture, decoding_); }
  Tensor heat_map(const Tensor& sample, int64_t index) override {
    return classifier_.heat_map(sample, index).map;
  }

 private:
  project::Classifier classifier_;
  ModelInfo info_;
  image::DecodeOptions decoding_ = {.formats = {image::Format::jpeg, image::Format::png}};
};

}  // namespace

std::shared_ptr<Engine> load_network(const std::string& path, const NetworkOptions& options) {
  return std::make_shared<Network>(path, options);
}

}  // namespace kiln::serve
