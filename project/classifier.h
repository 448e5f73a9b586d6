#pragma once

#include <string>
#include <vector>

#include <kiln/models/models.h>

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

  // A picture, uint8 [3,H,W], as the network takes it: float32 [C,crop,crop] on the CPU. Networks of one
  // channel get Pillow's grey.
  Tensor prepare(const Tensor& picture) const;
  // Prepared pictures [N,C,H,W], on any device: float32 probabilities [N,classes] on the CPU.
  Tensor probabilities(const Tensor& batch) const;
  // The `top` likeliest classes, the first the likeliest; all when there are fewer.
  std::vector<Guess> predict(const Tensor& picture, int64_t top = 5) const;

  // Where it looked for class `index`: the prepared crop of the picture, uint8 [3,crop,crop], under the heat
  // of grad_cam (grad_cam.h).
  Tensor explain(const Tensor& picture, int64_t index, const std::string& layer = "") const;

  const models::Model& model() const { return model_; }
  const models::Card& card() const { return model_.card; }
  Device device() const { return device_; }
  std::string class_name(int64_t index) const;

 private:
  models::Model model_;
  Device device_;
  int64_t channels_;
};

// The classes of one row of probabilities, the likeliest first; of equal ones the lower number.
std::vector<int64_t> ranked(const Tensor& probabilities, int64_t top);

}  // namespace kiln::project
