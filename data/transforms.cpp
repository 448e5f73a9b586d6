#include <kiln/data/transforms.h>

#include <algorithm>
#include <cmath>

#include <kiln/data/image.h>
#include <kiln/image/move/movement.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

void check_image(const char* transform, const Tensor& image) {
  if (!image.defined() || image.dim() != 3 || !image.device().is_cpu())
    fail("{}: needs an image [channels,height,width] on the CPU, got {}", transform,
         image.defined() ? to_string(image.shape()) : "an undefined tensor");
}

bool is_byte_image(const Tensor& x) {
  return x.defined() && x.dtype() == uint8 && x.dim() == 3 && x.device().is_cpu();
}

// Runs a step on each value of a contiguous copy as float32.
template <class T>
Tensor map_values(const Tensor& image, const ValueStep& step) {
  const Tensor x = contiguous_copy(image);
  Tensor y = empty(x.shape(), {.dtype = float32, .device = cpu});
  const int64_t plane = x.shape()[1] * x.shape()[2];
  for (int64_t c = 0; c < x.shape()[0]; ++c)
    for (int64_t i = c * plane; i < (c + 1) * plane; ++i)
      y.data<float>()[i] = step.apply(float(x.data<T>()[i]), c);
  return y;
}

// Where row or column x of the source is in the result.
double scale_of(const AxisMap& axis) { return double(axis.step); }
double shift_of(const AxisMap& axis) { return double(axis.step > 0 ? -axis.start : axis.start + 1); }

image::Movement movement_of(const GeometryStep& step, Pair size, RandomStream& random) {
  Geometry geometry{{size.h}, {size.w}};
  step.apply(geometry, random);
  const auto& [y, x] = geometry;
  return {[geometry](const Tensor& image, const float* mask_fill) {
            return move_pixels(image, geometry, mask_fill == nullptr ? 0 : *mask_fill);
          },
          {{scale_of(x), 0, shift_of(x), 0, scale_of(y), shift_of(y), 0, 0, 1}},
          {y.size, x.size}};
}

// Steps from `first` to this one, which is left out, run in one pass over bytes; `first` where none do.
size_t fused_end(const std::vector<AnyTransform>& steps, size_t first) {
  ImagePlan plan;
  size_t end = first;
  for (ImagePlan more; end < steps.size(); plan = more, ++end) {
    more = plan;  // a Compose that does not join has added its first steps
    if (!steps[end]->join(more)) break;
  }
  return plan.values.empty() ? first : end;
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

image::Movement RandomCrop::movement(Pair size, RandomStream& random) const {
  return movement_of({GeometryStep::Kind::crop, height_, width_, padding_}, size, random);
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

image::Movement RandomHorizontalFlip::movement(Pair size, RandomStream& random) const {
  return movement_of({.kind = GeometryStep::Kind::flip, .probability = probability_}, size, random);
}

bool RandomHorizontalFlip::join(ImagePlan& plan) const {
  plan.geometry.push_back({.kind = GeometryStep::Kind::flip, .probability = probability_});
  return true;
}

Compose::Compose(std::vector<AnyTransform> steps) : steps_(std::move(steps)) {
  for (size_t i = 0; i < steps_.size(); ++i)
    if (!steps_[i]) fail("Compose: step {} is empty", i);
  fused_from_ = steps_.size();
  for (size_t first = steps_.size(); first-- > 0;) {
    if (fused_end(steps_, first) > first)
      fused_from_ = first;
    else if (fused_from_ < steps_.size())
      break;
  }
}

Tensor Compose::apply(const Tensor& image, RandomStream& random) const {
  Tensor x = image;
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (i == fused_from_ && is_byte_image(x)) {
      x = run_fused(x, random);
      i = fused_end(steps_, i) - 1;
    } else {
      x = steps_[i]->apply(x, random);
    }
  }
  return x;
}

// From bytes to floats in one pass.
Tensor Compose::run_fused(const Tensor& image, RandomStream& random) const {
  ImagePlan plan;
  for (size_t i = fused_from_; i < fused_end(steps_, fused_from_); ++i) steps_[i]->join(plan);
  const Tensor x = contiguous_copy(image);
  const FusedTransform fused(std::move(plan), x.shape());
  const Tensor result = empty(fused.shape(), {.device = cpu});
  fused.apply(x.data<uint8_t>(), random, result.data<float>(), result.strides());
  return result;
}

void Compose::apply_to(Sample& sample, RandomStream& random) const {
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (sample.tensors.empty()) fail("Compose: a step left a sample without tensors");
    if (i == fused_from_ && is_byte_image(sample.tensors[0])) {
      sample.tensors[0] = run_fused(sample.tensors[0], random);
      i = fused_end(steps_, i) - 1;
    } else {
      steps_[i]->apply_to(sample, random);
    }
  }
}

void Compose::apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const {
  for (const AnyTransform& step : steps_) step->apply_parts(sample, parts, random);
}

bool Compose::join(ImagePlan& plan) const {
  for (const AnyTransform& step : steps_)
    if (!step->join(plan)) return false;
  return true;
}

}  // namespace kiln::data
