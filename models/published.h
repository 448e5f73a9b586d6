#pragma once

#include <span>

#include <kiln/image/interpolation.h>

// Internal: torchvision's published weights as rows, sorted by model. Mean and standard deviation are
// ImageNet's but for the few in info.cpp.

namespace kiln::nn::models {

struct PublishedRow {
  const char *model, *name, *file;
  bool is_default;
  int64_t resize, crop;
  image::Interpolation interpolation;
  int64_t parameters;
  double acc1, acc5, gmacs;
};
std::span<const PublishedRow> published_rows();

}  // namespace kiln::nn::models
