#pragma once

// Internal: what stands beside a picture in a sample.

#include <vector>

#include <kiln/data/folders/pictures.h>

namespace kiln::data {

template <class T>
Tensor host_tensor(const std::vector<T>& values, const Shape& shape) {
  const Tensor x = empty(shape, {.dtype = dtype_of<T>, .device = cpu});
  std::copy(values.begin(), values.end(), static_cast<T*>(x.raw_data()));
  return x;
}

// Throws "WHAT: ..." when a label is none of the classes, or a picture has not the one that the target needs.
void check_targets(const char* what, const Annotations& annotations, PictureTarget target);
// Throws when the picture has not one label.
int64_t only_label(const char* what, const AnnotatedImage& image);

// Appends to the sample, whose picture has the shape [C,H,W], what the target asks for. Boxes are those of a
// picture of the annotated size where that is known, else of the picture itself.
void add_target(Sample& sample, const AnnotatedImage& image, PictureTarget target, size_t classes,
                const Shape& shape);

}  // namespace kiln::data
