#include <algorithm>
#include <array>
#include <vector>

#include <kiln/image/codec/byte_reader.h>
#include <kiln/image/codec/headers.h>
#include <kiln/image/codec/small.h>

namespace kiln::image {
namespace {

constexpr int kMostBits = 12, kCodes = 1 << kMostBits;
constexpr uint8_t kExtension = 0x21, kImage = 0x2c, kControl = 0xf9;

// All up to the data of the first frame.
struct Frame {
  int64_t width = 0, height = 0;  // of the whole
  int64_t left = 0, top = 0, frame_width = 0, frame_height = 0;
  bool is_interlaced = false;
  int transparent = -1;
  std::string_view palette;
  size_t data = 0;
};

std::string_view read_palette(ByteReader& in, uint8_t flags) {
  return (flags & 0x80) != 0 ? in.take(size_t(3) << ((flags & 7) + 1)) : std::string_view();
}

void read_extension(ByteReader& in, Frame& frame) {
  const uint8_t kind = in.u8();
  for (uint8_t size = in.u8(); size != 0; size = in.u8()) {
    const std::string_view block = in.take(size);
    if (kind == kControl && size == 4) frame.transparent = (block[0] & 1) != 0 ? uint8_t(block[3]) : -1;
  }
}

Frame read_frame(std::string_view bytes) {
  Frame frame;
  ByteReader in(bytes, "GIF", 6);
  frame.width = in.little16();
  frame.height = in.little16();
  const uint8_t flags = in.u8();
  in.skip(2);
  frame.palette = read_palette(in, flags);
  for (uint8_t block = in.u8(); block != kImage; block = in.u8()) {
    if (block == kExtension)
      read_extension(in, frame);
    else if (block != 0)
      fail("decode: the GIF picture is damaged: a block of kind {:#04x} stands before its first frame",
           block);
  }
  frame.left = in.little16();
  frame.top = in.little16();
  frame.frame_width = in.little16();
  frame.frame_height = in.little16();
  const uint8_t image_flags = in.u8();
  frame.is_interlaced = (image_flags & 0x40) != 0;
  if (const std::string_view own = read_palette(in, image_flags); !own.empty()) frame.palette = own;
  frame.data = in.at();
  // A frame that reaches out of its screen makes it larger, as in Pillow.
  frame.width = std::max(frame.width, frame.left + frame.frame_width);
  frame.height = std::max(frame.height, frame.top + frame.frame_height);
  return frame;
}

// Variable-length codes, lowest bit first.
class Codes {
 public:
  explicit Codes(std::string_view data) : data_(data) {}
  int next(int width) {
    while (held_ < width) {
      if (at_ == data_.size()) fail("decode: the GIF picture is cut off: its data end before its pixels do");
      bits_ |= uint32_t(uint8_t(data_[at_++])) << held_;
      held_ += 8;
    }
    const int code = int(bits_ & ((1u << width) - 1));
    bits_ >>= width;
    held_ -= width;
    return code;
  }

 private:
  std::string_view data_;
  size_t at_ = 0;
  uint32_t bits_ = 0;
  int held_ = 0;
};

// Lempel, Ziv and Welch as in appendix F of GIF89a. A table that is full stays as it is until it is cleared.
void unpack(std::string_view data, int bits, std::vector<uint8_t>& out, size_t size) {
  const int clear = 1 << bits, end = clear + 1;
  std::array<uint16_t, kCodes> before = {};
  std::array<uint8_t, kCodes> last = {};
  std::array<uint8_t, kCodes + 1> reversed = {};
  int next = end + 1, width = bits + 1, previous = -1;
  uint8_t first = 0;
  Codes codes(data);
  while (out.size() < size) {
    const int code = codes.next(width);
    if (code == clear) {
      next = end + 1;
      width = bits + 1;
      previous = -1;
      continue;
    }
    if (code == end) fail("decode: the GIF picture is cut off: its data end before its pixels do");
    if (code > next || (previous < 0 && code >= clear) || code >= kCodes)
      fail("decode: the GIF picture is damaged: the code {} is not known where it stands", code);
    size_t count = 0;
    int at = code;
    if (code == next) {
      reversed[count++] = first;
      at = previous;
    }
    for (; at > end; at = before[size_t(at)]) reversed[count++] = last[size_t(at)];
    first = uint8_t(at);
    reversed[count++] = first;
    while (count > 0 && out.size() < size) out.push_back(reversed[--count]);
    if (previous >= 0 && next < kCodes) {
      before[size_t(next)] = uint16_t(previous);
      last[size_t(next++)] = first;
      if (next == 1 << width && width < kMostBits) ++width;
    }
    previous = code;
  }
}

std::vector<uint8_t> read_indices(std::string_view bytes, const Frame& frame) {
  ByteReader in(bytes, "GIF", frame.data);
  const int bits = in.u8();
  if (bits < 1 || bits > 8) fail("decode: the GIF picture is damaged: its codes begin with {} bits", bits);
  std::string data;
  for (uint8_t size = in.u8(); size != 0; size = in.u8()) data += in.take(size);
  std::vector<uint8_t> indices;
  unpack(data, bits, indices, size_t(frame.frame_width * frame.frame_height));
  return indices;
}

// What each number stands for: a colour of the palette, or a grey where there is none.
class Colours {
 public:
  Colours(const Frame& frame, int channels) : channels_(channels) {
    const int colour_channels = channels > 2 ? 3 : 1;
    count_ = colour_channels == 1 ? 256 : int(frame.palette.size() / 3);
    for (int i = 0; i < count_; ++i)
      for (int c = 0; c < colour_channels; ++c)
        table_[size_t(i)][size_t(c)] =
            colour_channels == 1 ? uint8_t(i) : uint8_t(frame.palette[size_t(i) * 3 + size_t(c)]);
    if (channels > colour_channels)
      for (int i = 0; i < 256; ++i)
        table_[size_t(i)][size_t(colour_channels)] = i == frame.transparent ? 0 : 255;
  }

  int count() const { return count_; }
  void put(uint8_t index, uint8_t* out) const { std::copy_n(table_[index].data(), channels_, out); }

 private:
  int channels_, count_ = 0;
  std::array<std::array<uint8_t, 4>, 256> table_ = {};
};

// The rows of a frame in the order in which they are stored.
std::vector<int64_t> row_order(const Frame& frame) {
  std::vector<int64_t> rows;
  constexpr int64_t begins[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  for (int pass = 0; pass < (frame.is_interlaced ? 4 : 1); ++pass)
    for (int64_t y = begins[pass]; y < frame.frame_height; y += frame.is_interlaced ? steps[pass] : 1)
      rows.push_back(y);
  return rows;
}

}  // namespace

Info gif_header(std::string_view bytes) {
  const Frame frame = read_frame(bytes);
  const bool is_grey = frame.palette.empty();
  return {.format = Format::gif,
          .width = frame.width,
          .height = frame.height,
          .channels = (is_grey ? 1 : 3) + (frame.transparent >= 0 ? 1 : 0)};
}

Raster decode_gif(std::string_view bytes, const Info& info) {
  const Frame frame = read_frame(bytes);
  const std::vector<uint8_t> indices = read_indices(bytes, frame);
  const Raster raster = Raster::allocate(info.width, info.height, info.channels);
  const Colours colours(frame, info.channels);
  // Around a frame that is smaller, as in Pillow.
  const uint8_t around = frame.transparent >= 0 ? uint8_t(frame.transparent) : 0;
  const bool is_whole = frame.frame_width == info.width && frame.frame_height == info.height;
  uint8_t* all = raster.row(0);
  for (int64_t i = 0, end = is_whole ? 0 : info.width * info.height; i < end; ++i, all += info.channels)
    colours.put(around, all);
  const uint8_t* in = indices.data();
  for (const int64_t y : row_order(frame)) {
    uint8_t* out = raster.row(frame.top + y) + frame.left * info.channels;
    for (int64_t x = 0; x < frame.frame_width; ++x, ++in, out += info.channels) {
      if (*in >= colours.count() && *in != frame.transparent)
        fail("decode: the GIF picture is damaged: a pixel has the colour {} of {}", *in, colours.count());
      colours.put(*in, out);
    }
  }
  return raster;
}

}  // namespace kiln::image
