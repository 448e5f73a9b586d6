#include <kiln/serve/network.h>

#include <mutex>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/image/prepare.h>
#include <kiln/models/models.h>
#include <kiln/models/whole_file.h>
#include <kiln/project/grad_cam.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {
namespace {

const char* name_of(image::Interpolation interpolation) {
  constexpr const char* kNames[] = {"nearest", "bilinear", "bicubic", "Lanczos"};
  return kNames[size_t(interpolation)];
}

class Network : public Engine {
 public:
  Network(const std::string& path, const NetworkOptions& options)
      : net_(models::load(path, {.device = options.device})), explained_(net_), device_(options.device) {
    const models::Card& card = net_.card;
    const image::Preset& preset = card.preset;
    decoding_.max_pixels = options.max_pixels;
    info_ = {.name = options.name,
             .version = options.version,
             .architecture = card.architecture,
             .classes = card.class_names};
    for (const auto& [name, number] : card.metrics) info_.metrics[name] = number;
    const int64_t channels = models::info(card.architecture).input[1];
    constexpr int64_t kColours = 3;
    if (channels != kColours)
      fail("serve: {} takes pictures of {} channels; only networks for colours are served", card.architecture,
           channels);
    info_.input = {channels, preset.crop, preset.crop};
    info_.seen = double(preset.crop) / double(preset.resize);
    info_.preset = fmt::format("the shorter side to {} pixels ({}), the middle {} x {}", preset.resize,
                               name_of(preset.interpolation), preset.crop, preset.crop);
  }

  const ModelInfo& info() const override { return info_; }

  Tensor run(const Tensor& batch) override {
    const NoGrad scope;
    return net_(batch.to(device_)).to(cpu).to(float32);
  }

  Tensor prepare(std::string_view picture) const override {
    return image::prepare(picture, net_.card.preset, decoding_);
  }

  // By a copy, which nobody else asks meanwhile.
  Tensor heat_map(const Tensor& sample, int64_t index) override {
    const std::scoped_lock lock(mutex_);
    return project::grad_cam(explained_, sample.unsqueeze(0).to(device_), index).map;
  }

 private:
  models::Model net_;
  nn::AnyModule explained_;
  Device device_;
  std::mutex mutex_;
  ModelInfo info_;
  image::DecodeOptions decoding_ = {.formats = {image::Format::jpeg, image::Format::png}};
};

}  // namespace

std::shared_ptr<Engine> load_network(const std::string& path, const NetworkOptions& options) {
  return std::make_shared<Network>(path, options);
}

}  // namespace kiln::serve
