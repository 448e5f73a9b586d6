#pragma once

#include <string>
#include <string_view>

#include <kiln/image/format.h>
#include <kiln/tensor/tensor.h>

namespace kiln::image {

// The channels of a decoded picture, by Pillow's convert(): grey is (19595 R + 38470 G + 7471 B) / 65536,
// alpha is dropped, not blended; where a file has none it is 255. `stored` is what the file has
// (Info::channels).
enum class Mode : uint8_t { stored, grey, rgb, rgba };

struct DecodeOptions {
  Mode mode = Mode::rgb;  // what networks take, whatever the file has
  // Turns the picture as its EXIF says it was held. False, as in Pillow and torchvision: their networks were
  // trained on pictures as stored.
  bool apply_orientation = false;
  // Compared with the header before anything is decoded or memory is taken. Pillow warns here.
  int64_t max_pixels = 89'478'485;
  // Scans of a progressive JPEG. Usual files have 10 or so; each costs a pass over all pixels, however short
  // it is in the file.
  int max_scans = 100;
  // 16-bit samples as int32 tensors of 0 .. 65535 (uint16 does not compute). False: their upper 8 bits.
  bool keep_16_bits = false;
  // Others are an Error that names the format.
  Formats formats = Formats::all();
};

// A picture of a file's bytes as a tensor [C,H,W] on the CPU, uint8 (int32 for 16 bits that are kept). The
// channels of a pixel are neighbours in memory, as decoders give them: strides are (1, W*C, C); contiguous()
// makes the other order.
//
// The pixels are Pillow's, bit for bit, where both use the same libjpeg-turbo (accurate DCT, smooth
// upsampling): JPEG (grey, YCbCr, RGB, CMYK and YCCK by Adobe's inverted convention), PNG of any depth and
// palette, interlaced or not. It differs where Pillow's is of no use: 16-bit grey is its upper 8 bits here
// and clipped at 255 there.
//
// JPEG is decoded by libjpeg-turbo and PNG by libpng, which Debian keeps patched; all PNG checksums are
// compared. PNM is read here, BMP, GIF (its first frame), TGA and PSD by stb_image, which has no checksums to
// compare: a file that is cut off is an error, one with other bits turned is another picture.
//
// Throws an Error for a file that is cut off or damaged (also where libjpeg would warn and make up pixels),
// that is of no known or of no allowed format, or that is beyond a limit. It never holds a path.
Tensor decode(std::string_view bytes, const DecodeOptions& options = {});

// The same of a file; an Error begins with its path.
Tensor read(const std::string& path, const DecodeOptions& options = {});

}  // namespace kiln::image
