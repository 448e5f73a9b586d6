#pragma once

#include <string>

#include <kiln/tensor/tensor.h>

namespace kiln::image {

struct PngOptions {
  int compression = 6;  // 0 .. 9, zlib's
};

// How many pixels share a sample of colour: none, two side by side, four.
enum class Subsampling : uint8_t { s444, s422, s420 };

struct JpegOptions {
  int quality = 75;  // 1 .. 100
  Subsampling subsampling = Subsampling::s420;
  bool progressive = false;
};

// Files' bytes of a picture uint8 [C,H,W] or [H,W] of any strides: 1 channel grey, 2 grey and alpha, 3 RGB, 4
// RGBA. Throws an Error for other types (floats of 0 .. 1 are multiplied by 255 and converted first), shapes,
// empty pictures, and sizes beyond the format's.
std::string encode_png(const Tensor& picture, const PngOptions& options = {});
// JPEG has no alpha: 1 or 3 channels.
std::string encode_jpeg(const Tensor& picture, const JpegOptions& options = {});

struct WriteOptions {
  PngOptions png = {};
  JpegOptions jpeg = {};
};

// Writes a picture as the path's ending says: .png, .jpg or .jpeg. The file appears whole or not at all. An
// Error names the path.
void write(const std::string& path, const Tensor& picture, const WriteOptions& options = {});

}  // namespace kiln::image
