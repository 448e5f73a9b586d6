#include <kiln/data/transforms.h>

#include <algorithm>
#include <cmath>

#include <kiln/data/image.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

void check_image(const char* transform, const Tensor& image) {
  if (!image.defined() || image.dim() != 3 || !image.device().is_cpu())
    fail("{}: needs an image [channels,height,width] on the CPU, got {}", transform,
         image.defined() ? to_string(image.shape()) : "an undefined tensor");
}

// Runs a step on each value of a contiguous copy as float32.
template <class T>
Tensor map_values(const Tensor& image, const ValueStep& step) {
  const Tensor x = contiguous_copy(image);
  Tensor y = empty(x.shape(), {.dtype = float32, .device = cpu});
  const int64_t plane = x.shape()[1] * x.shape()[2];
  for (int64_t i = 0; i < x.numel(); ++i) y.data<float>()[i] = step.apply(float(x.data<T>()[i]), i / plane);
  return y;
}

Tensor move_by(const GeometryStep& step, const Tensor& image, RandomStream& random) {
  Geometry geometry{{image.shape()[1]}, {image.shape()[2]}};
  step.apply(geometry, random);
  return move_pixels(image, geometry);
}

struct ImageFunction : Transform {
  explicit ImageFunction(Function<Tensor(const Tensor&, RandomStream&)> with) : f(std::move(with)) {}
  Tensor apply(const Tensor& image, RandomStream& random) const override { return f(image, random); }
  Function<Tensor(const Tensor&, RandomStream&)> f;
};

struct SampleFunction : SampleTransform {
  explicit SampleFunction(Function<void(Sample&, RandomStream&)> with) : f(std::move(with)) {}
  void apply_to(Sample& sample, RandomStream& random) const override { f(sample, random); }
  Function<void(Sample&, RandomStream&)> f;
};

}  // namespace

Tensor SampleTransform::apply(const Tensor& image, RandomStream& random) const {
  Sample sample({image});
  apply_to(sample, random);
  if (sample.tensors.empty()) fail("sample transform: it left no tensor");
  return sample.tensors[0];
}

AnyTransform AnyTransform::of_images(Function<Tensor(const Tensor&, RandomStream&)> f) {
  return ImageFunction(std::move(f));
}
AnyTransform AnyTransform::of_samples(Function<void(Sample&, RandomStream&)> f) {
  return SampleFunction(std::move(f));
}

Tensor ToFloat::apply(const Tensor& image, RandomStream&) const {
  check_image("ToFloat", image);
  if (image.dtype() == float32) return image;
  if (image.dtype() != uint8) fail("ToFloat: needs a uint8 or float32 image, got {}", image.dtype());
  return map_values<uint8_t>(image, {ValueStep::Kind::to_float});
}

bool ToFloat::join(ImagePlan& plan) const {
  if (!plan.values.empty()) return true;  // floats already
  plan.values.push_back({ValueStep::Kind::to_float});
  return true;
}

Normalize::Normalize(std::vector<float> mean, std::vector<float> std)
    : mean_(std::move(mean)), std_(std::move(std)) {
  if (mean_.empty() || mean_.size() != std_.size())
    fail("Normalize: mean and std need the same number of values, got {} and {}", mean_.size(), std_.size());
  for (const float m : mean_)
    if (!std::isfinite(m)) fail("Normalize: mean {} is not a finite number", m);
  for (const float s : std_)
    if (s == 0 || !std::isfinite(s)) fail("Normalize: std {} cannot divide", s);
}

Tensor Normalize::apply(const Tensor& image, RandomStream&) const {
  check_image("Normalize", image);
  if (image.dtype() != float32)
    fail("Normalize: needs a float32 image, got {}; put ToFloat() before it", image.dtype());
  if (mean_.size() != 1 && int64_t(mean_.size()) != image.shape()[0])
    fail("Normalize: has {} means, the image {} has {} channels", mean_.size(), image.shape(),
         image.shape()[0]);
  return map_values<float>(image, {ValueStep::Kind::normalize, mean_, std_});
}

bool Normalize::join(ImagePlan& plan) const {
  if (plan.values.empty()) return false;
  plan.values.push_back({ValueStep::Kind::normalize, mean_, std_});
  return true;
}

RandomCrop::RandomCrop(int64_t height, int64_t width, const CropOptions& options)
    : height_(height), width_(width), padding_(options.padding) {
  constexpr int64_t kMost = int64_t(1) << 30;  // so that sums of them stay far from the end of int64
  if (height < 1 || width < 1 || padding_ < 0 || std::max({height, width, padding_}) > kMost)
    fail("RandomCrop: size {}x{} with padding {} is not possible", height, width, padding_);
}

Tensor RandomCrop::apply(const Tensor& image, RandomStream& random) const {
  check_image("RandomCrop", image);
  return move_by({GeometryStep::Kind::crop, height_, width_, padding_}, image, random);
}

// A second crop would have to remember what the first one cut off.
bool RandomCrop::join(ImagePlan& plan) const {
  if (plan.has_crop) return false;
  plan.has_crop = true;
  plan.values_before_crop = plan.values.size();
  plan.geometry.push_back({GeometryStep::Kind::crop, height_, width_, padding_});
  return true;
}

RandomHorizontalFlip::RandomHorizontalFlip(float probability) : probability_(probability) {
  if (!(probability >= 0 && probability <= 1))
    fail("RandomHorizontalFlip: probability {} is not in 0 .. 1", probability);
}

Tensor RandomHorizontalFlip::apply(const Tensor& image, RandomStream& random) const {
  check_image("RandomHorizontalFlip", image);
  return move_by({.kind = GeometryStep::Kind::flip, .probability = probability_}, image, random);
}

bool RandomHorizontalFlip::join(ImagePlan& plan) const {
  plan.geometry.push_back({.kind = GeometryStep::Kind::flip, .probability = probability_});
  return true;
}

Compose::Compose(std::vector<AnyTransform> steps) : steps_(std::move(steps)) {
  for (size_t i = 0; i < steps_.size(); ++i)
    if (!steps_[i]) fail("Compose: step {} is empty", i);
}

Tensor Compose::apply(const Tensor& image, RandomStream& random) const {
  Tensor x = image;
  for (const AnyTransform& step : steps_) x = step->apply(x, random);
  return x;
}

void Compose::apply_to(Sample& sample, RandomStream& random) const {
  for (const AnyTransform& step : steps_) {
    if (sample.tensors.empty()) fail("Compose: a step left a sample without tensors");
    step->apply_to(sample, random);
  }
}

bool Compose::join(ImagePlan& plan) const {
  for (const AnyTransform& step : steps_)
    if (!step->join(plan)) return false;
  return true;
}

}  // namespace kiln::data
