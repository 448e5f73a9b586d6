#include <kiln/data/augment/augment.h>
#include <kiln/data/data.h>
#include <kiln/image/image.h>
#include <kiln/kiln.h>

#include <memory>

#include "rows.h"

// Layers, transforms, samplers and schedules whose options hold sizes and counts.

namespace kiln::walk {
namespace {

Rows layers() {
  const Tensor image = values({2, 4, 6, 6});
  using nn::Conv2d, nn::Conv2dNormActivation;
  return {
      sizes("Conv2d stride", 2, [=](int64_t n) { Conv2d(4, 4, 3, {.stride = n})(image); }),
      sizes("Conv2d padding", 1, [=](int64_t n) { Conv2d(4, 4, 3, {.padding = n})(image); }),
      sizes("Conv2d dilation", 2, [=](int64_t n) { Conv2d(4, 4, 3, {.dilation = n})(image); }),
      sizes("Conv2d same", 2, [=](int64_t n) { Conv2d(4, 4, 3, {.padding = "same", .dilation = n})(image); }),
      sizes("Conv2d same kernel", 3, [=](int64_t n) { Conv2d(4, 4, n, {.padding = "same"})(image); }),
      sizes("Conv2d groups", 2, [=](int64_t n) { Conv2d(4, 4, 3, {.groups = n})(image); }),
      sizes("Conv2d channels", 4, [=](int64_t n) { Conv2d(4, n, 3)(image); }),
      sizes("Conv2d reflect", 1,
            [=](int64_t n) { Conv2d(4, 4, 3, {.padding = n, .padding_mode = PaddingMode::reflect})(image); }),
      sizes("Conv2dNormActivation stride", 1,
            [](int64_t n) { Conv2dNormActivation(3, 4, 3, {.stride = n}); }),
      sizes("Conv2dNormActivation padding", 1,
            [](int64_t n) { Conv2dNormActivation(3, 4, 3, {.padding = n}); }),
      sizes("Conv2dNormActivation groups", 1,
            [](int64_t n) { Conv2dNormActivation(3, 4, 3, {.groups = n}); }),
      sizes("Conv2dNormActivation dilation", 2,
            [](int64_t n) { Conv2dNormActivation(3, 4, 3, {.dilation = n}); }),
      sizes("Conv2dNormActivation channels", 2, [](int64_t n) { Conv2dNormActivation(n, n); }),
      sizes("MaxPool2d stride", 2, [=](int64_t n) { nn::MaxPool2d(2, {.stride = n})(image); }),
      sizes("MaxPool2d padding", 1, [=](int64_t n) { nn::MaxPool2d(2, {.padding = n})(image); }),
      sizes("MaxPool2d ceil", 2,
            [=](int64_t n) { nn::MaxPool2d(2, {.stride = n, .ceil_mode = true})(image); }),
      sizes("AvgPool2d stride", 2, [=](int64_t n) { nn::AvgPool2d(2, {.stride = n})(image); }),
      sizes("AvgPool2d padding", 1, [=](int64_t n) { nn::AvgPool2d(2, {.padding = n})(image); }),
      sizes("MultiheadAttention width", 4, [](int64_t n) { nn::MultiheadAttention(n, 2); }),
      sizes("MultiheadAttention heads", 2, [](int64_t n) { nn::MultiheadAttention(4, n); }),
      sizes("MLP in", 4,
            [](int64_t n) {
              nn::MLP(n, {5, 3});
            }),
      sizes("Upsample", 9, [=](int64_t n) { nn::Upsample({.size = Pair(n)})(image); }),
      sizes("LayerNorm2d", 3, [](int64_t n) { const nn::LayerNorm2d made(n); }),
      sizes("BatchNorm1d", 3, [](int64_t n) { const nn::BatchNorm1d made(n); }),
      sizes("Permute", 1,
            [=](int64_t n) {
              nn::Permute({0, n, 2, 3})(image);
            }),
  };
}

Rows pictures() {
  const Tensor picture = values({3, 8, 8}, 0, 255).to(cpu).to(uint8);
  const auto apply = [picture](const data::Transform& transform) {
    data::RandomStream random(1, 0, 0);
    transform.apply(picture, random);
  };
  return {
      sizes("image::resize", 5, [=](int64_t n) { image::resize(picture, {.height = n, .width = n}); }),
      sizes("image::resize_shorter", 5, [=](int64_t n) { image::resize_shorter(picture, n); }),
      sizes("image::resize_shorter max", 9, [=](int64_t n) { image::resize_shorter(picture, 5, {}, n); }),
      sizes("image::rot90", 3, [=](int64_t n) { image::rot90(picture, n); }),
      sizes("image::pad", 2, [=](int64_t n) { image::pad(picture, n); }),
      sizes("image::pad left", 2,
            [=](int64_t n) {
              image::pad(picture, {n, 0, 0, 0});
            }),
      sizes("image::pad reflect", 2,
            [=](int64_t n) { image::pad(picture, n, {.mode = image::PadMode::reflect}); }),
      sizes("image::crop", 4,
            [=](int64_t n) {
              image::crop(picture, {1, 1, n, n});
            }),
      sizes("image::crop place", 1,
            [=](int64_t n) {
              image::crop(picture, {n, n, 3, 3});
            }),
      sizes("image::gaussian_blur", 3, [=](int64_t n) { image::gaussian_blur(picture, n); }),
      sizes("image::to_grayscale", 3, [=](int64_t n) { image::to_grayscale(picture, n); }),
      sizes("data::RandomCrop", 4, [=](int64_t n) { apply(data::RandomCrop(n)); }),
      sizes("data::RandomCrop padding", 4, [=](int64_t n) { apply(data::RandomCrop(4, {.padding = n})); }),
      sizes("data::Resize", 5, [=](int64_t n) { apply(data::Resize(n)); }),
      sizes("data::CenterCrop", 4, [=](int64_t n) { apply(data::CenterCrop(n)); }),
      sizes("data::Pad", 2, [=](int64_t n) { apply(data::Pad(n)); }),
      sizes("data::RandomResizedCrop", 4, [=](int64_t n) { apply(data::RandomResizedCrop(n)); }),
      sizes("data::Grayscale", 3, [=](int64_t n) { apply(data::Grayscale(n)); }),
  };
}

Rows orders() {
  using namespace data;  // NOLINT(google-build-using-namespace): of this function
  return {
      sizes("SequentialSampler", 5, [](int64_t n) { const SequentialSampler made(n); }),
      sizes("RandomSampler", 5, [](int64_t n) { const RandomSampler made(n); }),
      sizes("RandomSampler num_samples", 9, [](int64_t n) { RandomSampler(5, {.num_samples = n}); }),
      sizes("WeightedRandomSampler", 9,
            [](int64_t n) {
              WeightedRandomSampler({1, 2}, n);
            }),
      sizes("DistributedSampler", 5, [](int64_t n) { DistributedSampler(n, {.num_replicas = 2}).size(); }),
      sizes("DistributedSampler num_replicas", 2,
            [](int64_t n) { DistributedSampler(5, {.num_replicas = n}).size(); }),
      sizes("DistributedSampler rank", 1,
            [](int64_t n) { DistributedSampler(5, {.num_replicas = 3, .rank = n}); }),
      sizes("LengthBatchSampler", 2,
            [](int64_t n) {
              LengthBatchSampler({1, 2, 3}, {.batch_size = n}).batches(0, 0);
            }),
      sizes("LengthBatchSampler pool", 2,
            [](int64_t n) {
              LengthBatchSampler({1, 2, 3}, {.pool = n}).batches(0, 0);
            }),
      sizes("DataLoader batch_size", 2,
            [](int64_t n) {
              DataLoader loader(TensorDataset({values({5, 2}).to(cpu)}), {.batch_size = n});
              for (const Batch& batch : loader) batch[0].numel();
              loader.size();
            }),
  };
}

Rows schedules() {
  const auto stepped = [](const auto& make) {
    const Tensor x = values({2}).requires_grad_();
    optim::SGD optimizer({x}, {.lr = 0.1});
    const auto schedule = make(optimizer);
    for (int i = 0; i < 3; ++i) schedule->step();
  };
  using optim::Optimizer;
  return {
      sizes("StepLR", 2,
            [=](int64_t n) { stepped([n](Optimizer& o) { return std::make_unique<optim::StepLR>(o, n); }); }),
      sizes("MultiStepLR", 2,
            [=](int64_t n) {
              stepped([n](Optimizer& o) {
                return std::make_unique<optim::MultiStepLR>(o, std::vector{n, n});
              });
            }),
      sizes("LinearLR", 2,
            [=](int64_t n) {
              stepped([n](Optimizer& o) {
                return std::make_unique<optim::LinearLR>(o, optim::LinearLROptions{.total_iters = n});
              });
            }),
      sizes("CosineAnnealingLR", 2,
            [=](int64_t n) {
              stepped([n](Optimizer& o) { return std::make_unique<optim::CosineAnnealingLR>(o, n); });
            }),
      sizes("OneCycleLR", 20,
            [=](int64_t n) {
              stepped([n](Optimizer& o) {
                return std::make_unique<optim::OneCycleLR>(o, 0.5,
                                                           optim::OneCycleLROptions{.total_steps = n});
              });
            }),
      sizes("OneCycleLR epochs", 20,
            [=](int64_t n) {
              stepped([n](Optimizer& o) {
                return std::make_unique<optim::OneCycleLR>(
                    o, 0.5, optim::OneCycleLROptions{.epochs = n, .steps_per_epoch = n});
              });
            }),
  };
}

}  // namespace

Rows size_rows() {
  Rows all = layers();
  for (const Rows& more : {pictures(), orders(), schedules()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace kiln::walk
