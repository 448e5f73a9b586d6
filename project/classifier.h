#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kiln/image/decode.h>
#include <kiln/models/models.h>
#include <kiln/project/grad_cam.h>

namespace kiln::project {

struct Guess {
  int64_t index = 0;
  std::string name;  // of the class; its number where the model has no names
  double probability = 0;
};

// A whole-model file made ready to name pictures. Any number of threads may ask it at once.
//
//     const project::Classifier classifier("run/best.kiln");
//     for (const project::Guess& guess : classifier.predict(image::read("photo.jpg"), 5))
//       std::printf("%s %.3f\n", guess.name.c_str(), guess.probability);
class Classifier {
 public:
  // Throws what models::load throws.
  explicit Classifier(const std::string& file, Device device = cpu);
  // Puts the model into eval mode.
  explicit Classifier(models::Model model, Device device = cpu);

  // A picture, uint8 [3,H,W], as the network takes it: float32 [C,crop,crop] on the CPU (image::prepare).
  Tensor prepare(const Tensor& picture) const;
  // The same of the bytes of a file.
  Tensor prepare(std::string_view bytes, const image::DecodeOptions& options = {}) const;
  // Of one prepared picture: [C,crop,crop].
  Shape input() const;
  // Prepared pictures [N,C,H,W], on any device: float32 scores or probabilities [N,classes] on the CPU.
  Tensor scores(const Tensor& batch) const;
  Tensor probabilities(const Tensor& batch) const;
  // The `top` likeliest classes, the first the likeliest; all when there are fewer.
  std::vector<Guess> predict(const Tensor& picture, int64_t top = 5) const;

  // Where it looks for class `index` in a prepared picture (grad_cam.h).
  HeatMap heat_map(const Tensor& prepared, int64_t index, const std::string& layer = "") const;
  // The same as a picture: the prepared crop, uint8 [3,crop,crop], under the heat.
  Tensor explain(const Tensor& picture, int64_t index, const std::string& layer = "") const;

  const models::Model& model() const { return model_; }
  const models::Card& card() const { return model_.card; }
  Device device() const { return device_; }
  std::string class_name(int64_t index) const;

 private:
  models::Model model_;
  nn::AnyModule fused_;  // models::fuse_conv_bn: the same scores but for rounding, sooner
  Device device_;
};

// The classes of one row of probabilities, the likeliest first; of equal ones the lower number.
std::vector<int64_t> ranked(const Tensor& probabilities, int64_t top);

}  // namespace kiln::project
