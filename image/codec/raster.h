#pragma once

// Internal: decoded pixels before they are a tensor.

#include <kiln/image/decode.h>
#include <kiln/tensor/storage.h>

namespace kiln::image {

// Throws when the picture has more pixels than the options allow, before memory is taken for them.
void check_pixels(Format format, int64_t width, int64_t height, const DecodeOptions& options);

// Rows without gaps, the channels of a pixel side by side: uint8, or int32 for 16 bits that are kept.
struct Raster {
  int64_t width = 0, height = 0;
  int channels = 3;
  DType dtype = uint8;
  Ref<Storage> storage;

  static Raster allocate(int64_t width, int64_t height, int channels, DType dtype = uint8);

  int64_t row_bytes() const { return width * channels * size_of(dtype); }
  uint8_t* row(int64_t y) const { return static_cast<uint8_t*>(storage->data) + y * row_bytes(); }
  // [C,H,W] over the same memory.
  Tensor tensor() const;
};

// In the channels that `mode` asks for; the same memory where it has them.
Raster in_mode(const Raster& raster, Mode mode);
// Turned as EXIF's orientation says.
Raster upright(const Raster& raster, int orientation);

}  // namespace kiln::image
