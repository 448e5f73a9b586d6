#include <kiln/image/codec/raster.h>

#include <cstring>

#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

constexpr int kGrey = 1, kGreyAlpha = 2, kRgb = 3, kRgba = 4;

// ITU-R 601 in 16 bits, as Pillow has it.
uint32_t grey_of(uint32_t r, uint32_t g, uint32_t b) {
  return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
}

template <class T, int From, int To>
void convert(const T* in, T* out, int64_t pixels, T opaque) {
  for (int64_t i = 0; i < pixels; ++i, in += From, out += To) {
    constexpr bool is_grey = From <= kGreyAlpha;
    if constexpr (To == kGrey) {
      out[0] =
          is_grey ? in[0]
                  : T(grey_of(uint32_t(in[0]), uint32_t(in[is_grey ? 0 : 1]), uint32_t(in[is_grey ? 0 : 2])));
    } else {
      out[0] = in[0];
      out[1] = in[is_grey ? 0 : 1];
      out[2] = in[is_grey ? 0 : 2];
    }
    if constexpr (To == kRgba) out[3] = From == kRgba || From == kGreyAlpha ? in[From - 1] : opaque;
  }
}

template <class T, int To>
void convert_to(const Raster& from, const Raster& to, T opaque) {
  const T* in = static_cast<const T*>(from.storage->data);
  T* out = static_cast<T*>(to.storage->data);
  const int64_t pixels = from.width * from.height;
  if (from.channels == kGrey) convert<T, kGrey, To>(in, out, pixels, opaque);
  if (from.channels == kGreyAlpha) convert<T, kGreyAlpha, To>(in, out, pixels, opaque);
  if (from.channels == kRgb) convert<T, kRgb, To>(in, out, pixels, opaque);
  if (from.channels == kRgba) convert<T, kRgba, To>(in, out, pixels, opaque);
}

template <class T>
void convert(const Raster& from, const Raster& to, T opaque) {
  if (to.channels == kGrey) convert_to<T, kGrey>(from, to, opaque);
  if (to.channels == kRgb) convert_to<T, kRgb>(from, to, opaque);
  if (to.channels == kRgba) convert_to<T, kRgba>(from, to, opaque);
}

// From the first pixel of the result: where it lies in the source, and how far the next ones to the right and
// below are, in pixels.
struct Walk {
  int64_t begin, right, down;
};
Walk walk_of(int orientation, int64_t w, int64_t h) {
  const int64_t last = w * h - 1;
  switch (orientation) {
    case 2:
      return {w - 1, -1, w};
    case 3:
      return {last, -1, -w};
    case 4:
      return {last - (w - 1), 1, -w};
    case 5:
      return {0, w, 1};
    case 6:
      return {last - (w - 1), -w, 1};
    case 7:
      return {last, -w, -1};
    case 8:
      return {w - 1, w, -1};
    default:
      return {0, 1, w};
  }
}

}  // namespace

void check_pixels(Format format, int64_t width, int64_t height, const DecodeOptions& options) {
  if (width <= 0 || height <= 0)
    fail("decode: the {} picture is damaged: it is {} x {} pixels", name_of(format), width, height);
  if (width > options.max_pixels / height)
    fail(
        "decode: the {} picture has {} x {} pixels, more than the {} of max_pixels; raise it if you trust "
        "the picture",
        name_of(format), width, height, options.max_pixels);
}

Raster Raster::allocate(int64_t width, int64_t height, int channels, DType dtype) {
  return {width, height, channels, dtype, Storage::allocate(width * height * channels * size_of(dtype), cpu)};
}

Tensor Raster::tensor() const {
  Layout layout;
  layout.shape = {channels, height, width};
  layout.strides = {1, width * channels, channels};
  return from_storage(storage, dtype, layout);
}

Raster in_mode(const Raster& raster, Mode mode) {
  const int wanted = mode == Mode::stored ? raster.channels
                     : mode == Mode::grey ? kGrey
                     : mode == Mode::rgb  ? kRgb
                                          : kRgba;
  if (wanted == raster.channels) return raster;
  const Raster result = Raster::allocate(raster.width, raster.height, wanted, raster.dtype);
  if (raster.dtype == uint8)
    convert<uint8_t>(raster, result, 255);
  else
    convert<int32_t>(raster, result, 65535);
  return result;
}

Raster upright(const Raster& raster, int orientation) {
  if (orientation == 1) return raster;
  const bool swaps = orientation >= 5;
  const Raster result = Raster::allocate(swaps ? raster.height : raster.width,
                                         swaps ? raster.width : raster.height, raster.channels, raster.dtype);
  const Walk walk = walk_of(orientation, raster.width, raster.height);
  const int64_t pixel = raster.channels * size_of(raster.dtype);
  const uint8_t* in = static_cast<const uint8_t*>(raster.storage->data);
  for (int64_t y = 0; y < result.height; ++y) {
    uint8_t* out = result.row(y);
    for (int64_t x = 0; x < result.width; ++x, out += pixel)
      std::memcpy(out, in + (walk.begin + y * walk.down + x * walk.right) * pixel, size_t(pixel));
  }
  return result;
}

}  // namespace kiln::image
