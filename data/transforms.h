#pragma once

#include <type_traits>
#include <vector>

#include <kiln/data/held.h>
#include <kiln/data/random_stream.h>
#include <kiln/tensor/tensor.h>

namespace kiln::data {

struct ImagePlan;

// Changes a sample's image [C,H,W]. Its randomness comes from the stream it is given, which is a function of
// (seed, epoch, sample); it is called from several threads at once.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual Tensor apply(const Tensor& image, RandomStream& random) const = 0;
  // Adds itself to the plan of the fused path over byte images; false when it is not one of the steps known
  // there.
  virtual bool join(ImagePlan&) const { return false; }
};

// A shared handle to a transform of any type, or none; made implicitly from a value.
class AnyTransform {
 public:
  AnyTransform() = default;
  template <class T>
  requires std::is_base_of_v<Transform, T> AnyTransform(T transform) {
    auto* held = new HeldValue<T>(static_cast<T&&>(transform));
    owner_ = Ref<Held>(held);
    transform_ = &held->value;
  }

  explicit operator bool() const { return transform_ != nullptr; }
  const Transform& operator*() const { return *transform_; }
  const Transform* operator->() const { return transform_; }

 private:
  Ref<Held> owner_;
  const Transform* transform_ = nullptr;
};

// uint8 0 .. 255 to float32 0 .. 1; a float32 image stays as it is.
class ToFloat : public Transform {
 public:
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  bool join(ImagePlan& plan) const override;
};

// (x - mean) / std of a float32 image, with one value for all channels or one for each. Throws for std 0.
class Normalize : public Transform {
 public:
  Normalize(std::vector<float> mean, std::vector<float> std);
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  bool join(ImagePlan& plan) const override;

 private:
  std::vector<float> mean_, std_;
};

struct CropOptions {
  int64_t padding = 0;  // zeros added on each side first
};

// A random window of the (padded) image: of size x size, or height x width.
class RandomCrop : public Transform {
 public:
  explicit RandomCrop(int64_t size, const CropOptions& options = {}) : RandomCrop(size, size, options) {}
  RandomCrop(int64_t height, int64_t width, const CropOptions& options = {});
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  bool join(ImagePlan& plan) const override;

 private:
  int64_t height_, width_, padding_;
};

// Mirrors left and right with the given probability.
class RandomHorizontalFlip : public Transform {
 public:
  explicit RandomHorizontalFlip(float probability = 0.5f);
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  bool join(ImagePlan& plan) const override;

 private:
  float probability_;
};

// One after the other: Compose({RandomCrop(32, {.padding = 4}), RandomHorizontalFlip(), ToFloat(),
// Normalize(m, s)}). Sequences of the transforms above that hold one ToFloat, and Normalize only after it,
// run fused on byte images.
class Compose : public Transform {
 public:
  explicit Compose(std::vector<AnyTransform> steps);
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  bool join(ImagePlan& plan) const override;

 private:
  std::vector<AnyTransform> steps_;
};

}  // namespace kiln::data
