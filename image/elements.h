#pragma once

// Internal: elements of pictures, whatever their type, and what all picture operations ask of a picture.

#include <span>
#include <vector>

#include <kiln/tensor/base/pair.h>
#include <kiln/tensor/tensor.h>

namespace kiln::image {

// The widest element, complex128.
struct Wide {
  uint64_t parts[2];
};

// Calls f<U>() with an unsigned type of `bytes` bytes.
template <class F>
decltype(auto) visit_size(int64_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f.template operator()<uint8_t>();
    case 2:
      return f.template operator()<uint16_t>();
    case 4:
      return f.template operator()<uint32_t>();
    case 8:
      return f.template operator()<uint64_t>();
    default:
      return f.template operator()<Wide>();
  }
}

// x itself when it is contiguous, else a contiguous copy.
Tensor contiguous_copy(const Tensor& x);

// Copies the elements of x, of any strides, to elements of the same shape and type at `out`.
void copy_elements(const Tensor& x, char* out, const Strides& out_strides);

// Throws unless it is a tensor [channels,height,width] on the CPU.
void check_planes(const char* op, const Tensor& picture);
// Throws unless it is such a picture of bytes, or of float32 where `floats`.
void check_pixels(const char* op, const Tensor& picture, bool floats = true);
void check_size(const char* op, Pair size);
inline Pair size_of_picture(const Tensor& picture) { return {picture.shape()[1], picture.shape()[2]}; }

// Uninitialised, of the picture's type.
Tensor new_picture(const Tensor& like, int64_t channels, Pair size);

// One element a channel, as bits of the picture's type at the start of each entry. `fill` has one number, or
// one a channel; throws when it does not, and when the type cannot hold one. Fractions are cut off for
// integers.
std::vector<Wide> fill_elements(const char* op, const std::vector<float>& fill, const Tensor& picture);

// result[c,i,j] = picture[c, rows[i], columns[j]], or fill[c] where an index is -1.
Tensor take(const Tensor& picture, std::span<const int64_t> rows, std::span<const int64_t> columns,
            std::span<const Wide> fill = {});

}  // namespace kiln::image
