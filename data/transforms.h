#pragma once

#include <type_traits>
#include <vector>

#include <kiln/data/held.h>
#include <kiln/data/random_stream.h>
#include <kiln/data/sample.h>
#include <kiln/tensor/base/function.h>
#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/tensor.h>

namespace kiln::image {
struct Movement;
}

namespace kiln::data {

struct ImagePlan;
struct Parts;

// Changes a sample's image [C,H,W]. Its randomness comes from the stream it is given, which is a function of
// (seed, epoch, sample); it is called from several threads at once.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual Tensor apply(const Tensor& image, RandomStream& random) const = 0;
  // What a loader calls: by default apply() on the first tensor. SampleTransform changes all of a sample.
  virtual void apply_to(Sample& sample, RandomStream& random) const {
    sample.tensors[0] = apply(sample.tensors[0], random);
  }
  // The same where the sample has a picture, masks and boxes that belong together
  // (<kiln/data/augment/parts.h>): by default the picture's business alone.
  virtual void apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const;
  // Adds itself to the plan of the fused path over byte images; false when it is not one of the steps known
  // there.
  virtual bool join(ImagePlan&) const { return false; }
};

// Changes a whole sample: image, mask, boxes, texts together. A transform that is to do the same to two
// images gets the same random numbers from a copy of the stream:
//
//     auto flip_both = [flip = data::RandomHorizontalFlip()](data::Sample& sample, data::RandomStream& random) {
//       data::RandomStream same = random;
//       sample.tensors[0] = flip.apply(sample.tensors[0], same);
//       sample.tensors[1] = flip.apply(sample.tensors[1], random);
//     };
//
class SampleTransform : public Transform {
 public:
  void apply_to(Sample& sample, RandomStream& random) const override = 0;
  void apply_parts(Sample& sample, const Parts&, RandomStream& random) const override {
    apply_to(sample, random);
  }
  Tensor apply(const Tensor& image, RandomStream& random) const final;
};

// Moves pixels, so that masks and boxes can follow: of a sample's parts it moves all.
class Moving : public Transform {
 public:
  // What happens to an image of this size (<kiln/image/move/movement.h>).
  virtual image::Movement movement(Pair size, RandomStream& random) const = 0;
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  void apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const override;
};

// A shared handle to a transform of any type, or none; made implicitly from a value, and from a function of
// an image or of a sample: [](const Tensor& image, RandomStream& random) { ... return image; },
// [](Sample& sample, RandomStream& random) { ... }.
class AnyTransform : public Handle<Transform> {
 public:
  AnyTransform() = default;
  template <class T>
  requires std::is_base_of_v<Transform, T> AnyTransform(T transform) : Handle(static_cast<T&&>(transform)) {}
  template <class F>
  requires std::is_invocable_r_v<Tensor, F&, const Tensor&, RandomStream&> AnyTransform(F f)
      : AnyTransform(of_images(static_cast<F&&>(f))) {}
  template <class F>
  requires(std::is_invocable_v<F&, Sample&, RandomStream&> &&
           !std::is_invocable_v<F&, const Tensor&, RandomStream&>) AnyTransform(F f)
      : AnyTransform(of_samples(static_cast<F&&>(f))) {}

 private:
  static AnyTransform of_images(Function<Tensor(const Tensor&, RandomStream&)> f);
  static AnyTransform of_samples(Function<void(Sample&, RandomStream&)> f);
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
class RandomCrop : public Moving {
 public:
  explicit RandomCrop(int64_t size, const CropOptions& options = {}) : RandomCrop(size, size, options) {}
  RandomCrop(int64_t height, int64_t width, const CropOptions& options = {});
  image::Movement movement(Pair size, RandomStream& random) const override;
  bool join(ImagePlan& plan) const override;

 private:
  int64_t height_, width_, padding_;
};

// Mirrors left and right with the given probability.
class RandomHorizontalFlip : public Moving {
 public:
  explicit RandomHorizontalFlip(float probability = 0.5f);
  image::Movement movement(Pair size, RandomStream& random) const override;
  bool join(ImagePlan& plan) const override;

 private:
  float probability_;
};

// One after the other: Compose({RandomCrop(32, {.padding = 4}), RandomHorizontalFlip(), ToFloat(),
// Normalize(m, s)}). What follows ToFloat, with the crop and flips before it, runs fused on byte images.
class Compose : public Transform {
 public:
  explicit Compose(std::vector<AnyTransform> steps);
  Tensor apply(const Tensor& image, RandomStream& random) const override;
  void apply_to(Sample& sample, RandomStream& random) const override;
  void apply_parts(Sample& sample, const Parts& parts, RandomStream& random) const override;
  bool join(ImagePlan& plan) const override;

 private:
  Tensor run_fused(const Tensor& image, RandomStream& random) const;

  std::vector<AnyTransform> steps_;
  size_t fused_from_ = 0;  // the first of the last steps that run in one pass over bytes
};

}  // namespace kiln::data
