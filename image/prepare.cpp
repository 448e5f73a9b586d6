#include <kiln/image/prepare.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <kiln/image/codec/jpeg.h>
#include <kiln/image/codec/open.h>
#include <kiln/image/colour/colour.h>
#include <kiln/image/resample/centre.h>
#include <kiln/image/resample/passes.h>
#include <kiln/image/resample/picture.h>
#include <kiln/image/resize.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

// Bytes to what a network takes, and where they lie in its input.
class Normalised {
 public:
  explicit Normalised(const Preset& preset)
      : channels_(size_t(preset.channels)),
        crop_(preset.crop),
        result_(empty({preset.channels, preset.crop, preset.crop}, {.dtype = float32, .device = cpu})) {
    for (size_t c = 0; c < channels_; ++c)
      for (size_t value = 0; value < 256; ++value)
        tables_[c][value] = (float(value) / 255.0f - preset.mean[c]) / preset.std[c];
  }

  const Tensor& result() const { return result_; }
  // Everywhere what a black pixel gives.
  void fill() const {
    for (size_t c = 0; c < channels_; ++c)
      std::fill_n(result_.data<float>() + int64_t(c) * crop_ * crop_, crop_ * crop_, tables_[c][0]);
  }
  void put(int64_t y, int64_t left, const uint8_t* row, int64_t width) const {
    for (size_t c = 0; c < channels_; ++c) {
      float* out = result_.data<float>() + (int64_t(c) * crop_ + y) * crop_ + left;
      const uint8_t* in = row + c;
      for (int64_t x = 0; x < width; ++x) out[x] = tables_[c][in[int64_t(channels_) * x]];
    }
  }

 private:
  size_t channels_;
  int64_t crop_;
  Tensor result_;
  std::array<std::array<float, 256>, 3> tables_;
};

// What of one direction of the resized picture the crop shows.
struct Shown {
  Shown(int64_t resized, int64_t crop)
      : begin(resized > crop ? centre_of(resized, crop) : 0),
        size(std::min(resized, crop)),
        at(resized > crop ? 0 : (crop - resized) / 2) {}
  int64_t end() const { return begin + size; }

  int64_t begin, size;  // in the resized picture
  int64_t at;           // where that lies in the crop
};

// From a picture's size to the part of it that is needed.
struct Plan {
  Plan(Size picture, const Preset& preset)
      : resized(shorter_size(picture, preset.resize)),
        down(resized.height, preset.crop),
        across(resized.width, preset.crop),
        is_same(resized == picture) {
    if (is_same) {
      needed = {.top = down.begin, .left = across.begin, .height = down.size, .width = across.size};
      return;
    }
    const auto axis = [&](int64_t from, int64_t to, const Shown& shown) {
      return make_axis(Span::whole(from, to), preset.interpolation, true, shown.begin, shown.end());
    };
    x = axis(picture.width, resized.width, across);
    y = axis(picture.height, resized.height, down);
    // A side that keeps its length has no pass in Pillow; its pass here would change nothing.
    needed = {.top = y.source_begin(),
              .left = x.source_begin(),
              .height = y.source_end() - y.source_begin(),
              .width = x.source_end() - x.source_begin()};
  }

  // Rows of the needed part, from `begin` on.
  Tensor run(const Preset& preset, const NextRow& next, int64_t begin) const {
    const Normalised normalised(preset);
    if (down.size < preset.crop || across.size < preset.crop) normalised.fill();
    const auto put = [&](int64_t row, const uint8_t* pixels) {
      normalised.put(down.at + row, across.at, pixels, across.size);
    };
    if (is_same) {
      for (int64_t row = 0; row < down.size; ++row)
        put(row, next() + preset.channels * (needed.left - begin));
    } else {
      const Passes passes = {.across = &x,
                             .down = &y,
                             .in_begin = begin,
                             .width = across.size,
                             .height = down.size,
                             .channels = int(preset.channels)};
      resample(passes, next, put);
    }
    return normalised.result();
  }

  Size resized;
  Shown down, across;
  bool is_same;
  Axis x, y;
  Window needed = {};
};

void check_preset(const Preset& preset) {
  if (preset.resize < 1 || preset.crop < 1)
    fail("prepare: the preset resizes to {} and crops {}, expected positive sizes", preset.resize,
         preset.crop);
  if (preset.channels != 1 && preset.channels != 3)
    fail("prepare: the preset has {} channels, expected 1 or 3", preset.channels);
}

}  // namespace

Tensor prepare(const Tensor& picture, const Preset& preset) {
  check_picture("prepare", picture);
  check_preset(preset);
  if (preset.channels == 1 && picture.size(0) == 3) return prepare(to_grayscale(picture), preset);
  if (picture.size(0) != preset.channels)
    fail("prepare: the picture has {} channels, expected {}; decode it with Mode::rgb", picture.size(0),
         preset.channels);
  if (preset.interpolation == Interpolation::nearest) {
    const Tensor cut =
        center_crop(resize_shorter(picture, preset.resize, {.interpolation = Interpolation::nearest}),
                    {preset.crop, preset.crop});
    const Normalised normalised(preset);
    PictureRows rows(cut);
    for (int64_t y = 0; y < preset.crop; ++y) normalised.put(y, 0, rows.row(y), preset.crop);
    return normalised.result();
  }
  const Plan plan({picture.size(1), picture.size(2)}, preset);
  PictureRows rows(picture);
  int64_t y = plan.needed.top;
  return plan.run(
      preset, [&] { return rows.row(y++); }, 0);
}

Tensor prepare(std::string_view bytes, const Preset& preset, const DecodeOptions& options) {
  if (options.mode != Mode::rgb) fail("prepare: options.mode must be rgb, what presets are for");
  check_preset(preset);
  const Info header = allowed_info(bytes, options);
  const bool is_turned = options.apply_orientation && header.orientation != 1;
  const bool is_grey = preset.channels == 1;
  if (header.format != Format::jpeg || is_turned || is_grey || preset.interpolation == Interpolation::nearest)
    return prepare(decode(bytes, options), preset);
  JpegRows rows(bytes, options, true);
  const Plan plan({rows.height(), rows.width()}, preset);
  const Window given = rows.start(plan.needed);
  std::vector<uint8_t> row(size_t(given.width * 3 + kRowSlack));
  const auto next = [&]() -> const uint8_t* {
    rows.read(row.data());
    return row.data();
  };
  Tensor result = plan.run(preset, next, given.left);
  rows.finish();
  return result;
}

}  // namespace kiln::image
