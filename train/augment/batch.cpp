#include <kiln/train/augment/batch.h>

#include <algorithm>
#include <cmath>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/data/random_stream.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::train {
namespace {

// What is drawn for each image, side by side.
struct Draws {
  std::vector<int64_t> rows, columns;  // [N,h], [N,w]: which pixels of the padded image
  std::vector<float> brightness, contrast;
  std::vector<int64_t> top, bottom, left, right;  // of what is erased
};

float factor(double amount, data::RandomStream& random) {
  const double low = std::max(0.0, 1 - amount);
  return float(low + (1 + amount - low) * random.uniform_double());
}

// RandomErasing's window; none after ten tries that did not fit.
void draw_window(Draws& draws, bool wanted, Pair size, data::RandomStream& random) {
  const double area = double(size.h) * double(size.w), most = std::log(3.3), least = std::log(0.3);
  for (int tries = 0; wanted && tries < 10; ++tries) {
    const double target = area * (0.02 + 0.31 * random.uniform_double());
    const double ratio = std::exp(least + (most - least) * random.uniform_double());
    const int64_t h = std::llrint(std::sqrt(target * ratio)), w = std::llrint(std::sqrt(target / ratio));
    if (h >= size.h || w >= size.w) continue;
    draws.top.push_back(random.below(size.h - h + 1));
    draws.left.push_back(random.below(size.w - w + 1));
    draws.bottom.push_back(draws.top.back() + h);
    draws.right.push_back(draws.left.back() + w);
    return;
  }
  for (std::vector<int64_t>* edge : {&draws.top, &draws.bottom, &draws.left, &draws.right})
    edge->push_back(0);
}

void draw(Draws& draws, const BatchAugmentOptions& options, Pair padded, Pair size,
          data::RandomStream random) {
  const int64_t top = random.below(padded.h - size.h + 1), left = random.below(padded.w - size.w + 1);
  const bool mirrored = random.uniform_double() < options.flip;
  for (int64_t i = 0; i < size.h; ++i) draws.rows.push_back(top + i);
  for (int64_t j = 0; j < size.w; ++j) draws.columns.push_back(left + (mirrored ? size.w - 1 - j : j));
  draws.brightness.push_back(factor(options.brightness, random));
  draws.contrast.push_back(factor(options.contrast, random));
  draw_window(draws, random.uniform_double() < options.erasing, size, random);
}

template <class T>
Tensor on_device(const std::vector<T>& values, const Shape& shape, const Tensor& like) {
  return from_values(values, shape).to(like.device());
}

// 1 from begin to end along a dimension of `size`, for each image.
Tensor inside(const std::vector<int64_t>& begin, const std::vector<int64_t>& end, int64_t size,
              const Shape& along, const Tensor& like) {
  const Shape each = {int64_t(begin.size()), 1, 1, 1};
  const Tensor place = arange(0, size, 1, {.dtype = DType::int64, .device = like.device()}).reshape(along);
  return logical_and(place.ge(on_device(begin, each, like)), place.lt(on_device(end, each, like)));
}

Tensor picked(const Tensor& images, const Draws& draws, Pair size) {
  const int64_t n = images.size(0), c = images.size(1);
  const Tensor rows = on_device(draws.rows, {n, 1, size.h, 1}, images).expand({n, c, size.h, images.size(3)});
  const Tensor columns = on_device(draws.columns, {n, 1, 1, size.w}, images).expand({n, c, size.h, size.w});
  return images.gather(2, rows).gather(3, columns);
}

// Grey as torchvision's contrast has it.
Tensor mean_grey(const Tensor& x) {
  if (x.size(1) != 3) return x.mean({1, 2, 3}, true);
  return (x.narrow(1, 0, 1) * 0.2989 + x.narrow(1, 1, 1) * 0.587 + x.narrow(1, 2, 1) * 0.114)
      .mean({1, 2, 3}, true);
}

Tensor per_channel(const std::vector<float>& values, const Tensor& like) {
  return on_device(values, {1, int64_t(values.size()), 1, 1}, like);
}

}  // namespace

BatchAugment::BatchAugment(BatchAugmentOptions options) : options_(std::move(options)) {
  const BatchAugmentOptions& o = options_;
  constexpr int64_t kMost = int64_t(1) << 24;
  if (o.crop.h < 0 || o.crop.w < 0 || (o.crop.h == 0) != (o.crop.w == 0) || o.crop.h > kMost ||
      o.crop.w > kMost || o.padding < 0 || o.padding > kMost)
    fail("BatchAugment: a crop of {}x{} with padding {} is not possible", o.crop.h, o.crop.w, o.padding);
  for (const double probability : {o.flip, o.erasing})
    if (!(probability >= 0 && probability <= 1))
      fail("BatchAugment: probability {} is not in 0 .. 1", probability);
  for (const double amount : {o.brightness, o.contrast})
    if (!(amount >= 0) || !std::isfinite(amount))
      fail("BatchAugment: the amount {} must not be negative", amount);
  if (o.mean.empty() || o.mean.size() != o.std.size())
    fail("BatchAugment: mean and std need the same number of values, got {} and {}", o.mean.size(),
         o.std.size());
  for (const float std : o.std)
    if (std == 0 || !std::isfinite(std)) fail("BatchAugment: std {} cannot divide", std);
}

Tensor BatchAugment::operator()(const Tensor& images, int64_t epoch,
                                const std::vector<int64_t>& samples) const {
  if (!images.defined() || images.dim() != 4 || images.size(0) != int64_t(samples.size()))
    fail("BatchAugment: needs images [N,C,H,W] and N numbers of samples, got {} and {}",
         images.defined() ? to_string(images.shape()) : "nothing", samples.size());
  if (options_.mean.size() != 1 && int64_t(options_.mean.size()) != images.size(1))
    fail("BatchAugment: has {} means, the images {} have {} channels", options_.mean.size(), images.shape(),
         images.size(1));
  const NoGrad scope;
  const Pair padded(images.size(2) + 2 * options_.padding, images.size(3) + 2 * options_.padding);
  const Pair size = options_.crop.h == 0 ? padded : options_.crop;
  if (size.h > padded.h || size.w > padded.w)
    fail("BatchAugment: a window of {}x{} does not fit into images of {}x{} with padding {}", size.h, size.w,
         images.size(2), images.size(3), options_.padding);
  Draws draws;
  for (const int64_t sample : samples)
    draw(draws, options_, padded, size, data::RandomStream(options_.seed, epoch, sample));
  Tensor x = images.dtype() == DType::uint8 ? images.to(DType::float32) / 255 : images.to(DType::float32);
  if (x.numel() == 0) return zeros({x.size(0), x.size(1), size.h, size.w}, like(x));
  if (options_.padding > 0) {
    const Tensor wide = zeros({x.size(0), x.size(1), padded.h, padded.w}, like(x));
    wide.narrow(2, options_.padding, x.size(2)).narrow(3, options_.padding, x.size(3)).copy_(x);
    x = wide;
  }
  if (size != padded || options_.flip > 0) x = picked(x, draws, size);
  const Shape each = {x.size(0), 1, 1, 1};
  if (options_.brightness > 0) x = (x * on_device(draws.brightness, each, x)).clamp(0, 1);
  if (options_.contrast > 0) {
    const Tensor grey = mean_grey(x);
    x = ((x - grey) * on_device(draws.contrast, each, x) + grey).clamp(0, 1);
  }
  x = (x - per_channel(options_.mean, x)) / per_channel(options_.std, x);
  if (options_.erasing == 0) return x;
  const Tensor erased = logical_and(inside(draws.top, draws.bottom, size.h, {1, 1, size.h, 1}, x),
                                    inside(draws.left, draws.right, size.w, {1, 1, 1, size.w}, x));
  return x.masked_fill(erased, 0);
}

}  // namespace kiln::train
