#include <kiln/data/image.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>

namespace kiln::data {
AxisMap::Range AxisMap::inside(int64_t source_size) const {
  // step is 1 or -1
  const int64_t begin = step > 0 ? -start : start - (source_size - 1);
  const int64_t end = step > 0 ? source_size - start : start + 1;
  const int64_t from = std::clamp<int64_t>(begin, 0, size);
  return {from, std::clamp<int64_t>(end, from, size)};
}

void GeometryStep::apply(Geometry& geometry, RandomStream& random) const {
  auto& [y, x] = geometry;
  if (kind == Kind::flip) {
    if (random.uniform() >= probability) return;
    x.start += x.step * (x.size - 1);
    x.step = -x.step;
    return;
  }
  const int64_t free_y = y.size + 2 * padding - height, free_x = x.size + 2 * padding - width;
  if (free_y < 0 || free_x < 0)
    fail("RandomCrop: a window of {}x{} does not fit into an image of {}x{} with padding {}", height, width,
         y.size, x.size, padding);
  y.start += y.step * (random.below(free_y + 1) - padding);
  x.start += x.step * (random.below(free_x + 1) - padding);
  y.size = height;
  x.size = width;
}

Tensor move_pixels(const Tensor& image, const Geometry& geometry, float fill) {
  const auto indices = [](const AxisMap& axis, int64_t size) {
    std::vector<int64_t> sources(size_t(axis.size), -1);
    const auto [begin, end] = axis.inside(size);
    for (int64_t i = begin; i < end; ++i) sources[size_t(i)] = axis.start + axis.step * i;
    return sources;
  };
  std::vector<image::Wide> elements;
  if (fill != 0) elements = image::fill_elements("crop", {fill}, image);
  return image::take(image, indices(geometry.y, image.shape()[1]), indices(geometry.x, image.shape()[2]),
                     elements);
}

float ValueStep::apply(float x, int64_t channel) const {
  if (kind == Kind::to_float) return x / 255.0f;
  const size_t c = mean.size() == 1 ? 0 : size_t(channel);
  return (x - mean[c]) / std[c];
}

FusedTransform::FusedTransform(ImagePlan plan, const Shape& image)
    : plan_(std::move(plan)), image_(image), shape_(image) {
  const int64_t channels = image[0];
  for (const ValueStep& step : plan_.values)
    if (step.mean.size() > 1 && int64_t(step.mean.size()) != channels)
      fail("Normalize: has {} means, the image {} has {} channels", step.mean.size(), image, channels);
  for (const GeometryStep& step : plan_.geometry)
    if (step.kind == GeometryStep::Kind::crop) shape_ = {channels, step.height, step.width};
  const auto through = [&](float x, int64_t channel, size_t first) {
    for (size_t i = first; i < plan_.values.size(); ++i) x = plan_.values[i].apply(x, channel);
    return x;
  };
  for (int64_t c = 0; c < channels; ++c) {
    for (int value = 0; value < 256; ++value) tables_.push_back(through(float(value), c, 0));
    fill_.push_back(through(0, c, plan_.values_before_crop));
  }
}

void FusedTransform::apply(const uint8_t* image, RandomStream& random, float* out,
                           const Strides& strides) const {
  Geometry geometry{{image_[1]}, {image_[2]}};
  for (const GeometryStep& step : plan_.geometry) step.apply(geometry, random);
  const auto& [y, x] = geometry;
  const auto [y0, y1] = y.inside(image_[1]);
  const auto [x0, x1] = x.inside(image_[2]);
  const int64_t step = strides[2];
  for (int64_t c = 0; c < image_[0]; ++c) {
    const float* table = &tables_[size_t(c) * 256];
    const float fill = fill_[size_t(c)];
    for (int64_t i = 0; i < y.size; ++i) {
      float* to = out + c * strides[0] + i * strides[1];
      const bool inside = i >= y0 && i < y1;
      const int64_t first = inside ? x0 : x.size, last = inside ? x1 : x.size;
      for (int64_t j = 0; j < first; ++j) to[j * step] = fill;
      if (first < last) {
        const uint8_t* from = image + (c * image_[1] + y.start + y.step * i) * image_[2];
        for (int64_t j = first; j < last; ++j) to[j * step] = table[from[x.start + x.step * j]];
      }
      for (int64_t j = last; j < x.size; ++j) to[j * step] = fill;
    }
  }
}

}  // namespace kiln::data
