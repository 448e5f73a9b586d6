#include <kiln/image/decode.h>

#include <kiln/image/codec/jpeg.h>
#include <kiln/image/codec/open.h>
#include <kiln/image/codec/png.h>
#include <kiln/image/codec/small.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

Raster pixels_of(std::string_view bytes, const Info& info, const DecodeOptions& options) {
  switch (info.format) {
    case Format::jpeg:
      return decode_jpeg(bytes, options);
    case Format::png:
      return decode_png(bytes, info, options);
    case Format::bmp:
      return decode_bmp(bytes, info);
    case Format::gif:
      return decode_gif(bytes, info);
    case Format::pnm:
      return decode_pnm(bytes, info, options);
    case Format::tga:
    case Format::psd:
      return decode_by_stb(bytes, info);
  }
  fail("decode: {} is no format", int(info.format));
}

}  // namespace

Info allowed_info(std::string_view bytes, const DecodeOptions& options) {
  const Format format = format_of(bytes);
  if (!options.formats.contains(format))
    fail("decode: this is a {} picture, which is not among the allowed formats", name_of(format));
  const Info header = info(bytes);
  check_pixels(format, header.width, header.height, options);
  return header;
}

Tensor decode(std::string_view bytes, const DecodeOptions& options) {
  const Info header = allowed_info(bytes, options);
  const Raster raster = in_mode(pixels_of(bytes, header, options), options.mode);
  return (options.apply_orientation ? upright(raster, header.orientation) : raster).tensor();
}

Tensor read(const std::string& path, const DecodeOptions& options) {
  try {
    return decode(read_bytes(path), options);
  } catch (const Error& error) {
    fail("{}: {}", path.c_str(), error.what());
  }
}

}  // namespace kiln::image
