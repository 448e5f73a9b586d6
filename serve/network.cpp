#include <kiln/serve/network.h>

#include <algorithm>
#include <bit>

#include <kiln/autograd/ops.h>
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
  Network(const std::string& path, const NetworkOptions& options)
      : classifier_(path, options.device), is_in_pieces_(options.device.is_cpu()) {
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
  Tensor run(const Tensor& batch) override {
    const int64_t rows = batch.size(0);
    if (!is_in_pieces_ || rows == 0) return classifier_.scores(batch);
    std::vector<Tensor> scores;
    for (int64_t row = 0; row < rows; row += scores.back().size(0))
      scores.push_back(classifier_.scores(batch.narrow(0, row, piece_of(rows - row))));
    return scores.size() == 1 ? scores[0] : cat(scores);
  }
  std::vector<int64_t> batch_sizes(int64_t most) const override {
    std::vector<int64_t> sizes;
    if (!is_in_pieces_) return {most};
    for (int64_t size = piece_of(most); size > 0; size /= 2) sizes.push_back(size);
    return sizes;
  }
  Tensor prepare(std::string_view picture) const override { return classifier_.prepare(picture, decoding_); }
  Tensor heat_map(const Tensor& sample, int64_t index) override {
    return classifier_.heat_map(sample, index).map;
  }

 private:
  // The largest power of two that a batch begins with.
  static int64_t piece_of(int64_t rows) {
    return std::min(kMostRows, int64_t(std::bit_floor(uint64_t(rows))));
  }

  // A CPU is as fast with a few rows as with many. Pieces of few sizes: convolutions are prepared for a size,
  // which takes longer than to run them, and memory is kept for each.
  static constexpr int64_t kMostRows = 8;

  project::Classifier classifier_;
  bool is_in_pieces_;
  ModelInfo info_;
  image::DecodeOptions decoding_ = {.formats = {image::Format::jpeg, image::Format::png}};
};

}  // namespace

std::shared_ptr<Engine> load_network(const std::string& path, const NetworkOptions& options) {
  return std::make_shared<Network>(path, options);
}

}  // namespace kiln::serve
