#include <algorithm>
#include <cmath>
#include <vector>

#include <kiln/image/codec/byte_reader.h>
#include <kiln/image/codec/headers.h>
#include <kiln/image/codec/small.h>

namespace kiln::image {
namespace {

constexpr int kBitmap = 4, kRgb = 6;

struct Header {
  int kind = 0;
  int64_t width = 0, height = 0, most = 1;
  size_t data = 0;  // where it begins
};

bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A number after white space and comments; the one character behind it is read too.
int64_t number(ByteReader& in) {
  uint8_t c = in.u8();
  for (; is_space(c) || c == '#'; c = in.u8())
    if (c == '#')
      while (c != '\n' && c != '\r') c = in.u8();
  constexpr int64_t kMost = 1'000'000'000;
  int64_t value = 0;
  for (; !is_space(c); c = in.u8()) {
    if (c < '0' || c > '9' || value > kMost)
      fail("decode: the PNM picture is damaged: its header holds the byte {:#04x} in a number", c);
    value = value * 10 + (c - '0');
  }
  return value;
}

Header read_header(std::string_view bytes) {
  Header header = {.kind = bytes[1] - '0'};
  ByteReader in(bytes, "PNM", 2);
  header.width = number(in);
  header.height = number(in);
  if (header.kind != kBitmap) header.most = number(in);
  if (header.most < 1 || header.most > 65535)
    fail("decode: the PNM picture has samples up to {}, expected 1 .. 65535", header.most);
  header.data = in.at();
  return header;
}

void spread_bits(std::string_view row, uint8_t* out, int64_t width) {
  for (int64_t x = 0; x < width; ++x)
    out[x] = (uint8_t(row[size_t(x / 8)]) >> (7 - x % 8) & 1) != 0 ? 0 : 255;
}

template <class T>
void scale(std::string_view row, T* out, int64_t samples, bool wide, const std::vector<T>& table) {
  for (int64_t i = 0; i < samples; ++i) {
    size_t value = uint8_t(row[size_t(wide ? 2 * i : i)]);
    if (wide) value = value << 8 | uint8_t(row[size_t(2 * i + 1)]);
    out[i] = table[std::min(value, table.size() - 1)];
  }
}

template <class T>
std::vector<T> table_of(int64_t most, double white) {
  std::vector<T> table;
  for (int64_t value = 0; value <= most; ++value)
    table.push_back(T(std::nearbyint(double(value) / double(most) * white)));
  return table;
}

}  // namespace

Info pnm_header(std::string_view bytes) {
  const Header header = read_header(bytes);
  return {.format = Format::pnm,
          .width = header.width,
          .height = header.height,
          .channels = header.kind == kRgb ? 3 : 1,
          .bits = header.kind == kBitmap ? 1
                  : header.most > 255    ? 16
                                         : 8};
}

Raster decode_pnm(std::string_view bytes, const Info& info, const DecodeOptions& options) {
  const Header header = read_header(bytes);
  const int64_t samples = info.width * info.channels;
  const bool wide = header.most > 255, is_kept = wide && options.keep_16_bits;
  const size_t row_bytes = size_t(header.kind == kBitmap ? (info.width + 7) / 8
                                  : wide                 ? 2 * samples
                                                         : samples);
  ByteReader in(bytes, "PNM", header.data);
  if (in.left() / row_bytes < size_t(info.height)) in.skip(in.left() + 1);  // before memory is taken
  const Raster raster = Raster::allocate(info.width, info.height, info.channels, is_kept ? int32 : uint8);
  const auto bytes_table = table_of<uint8_t>(header.most, 255);
  const auto wide_table = is_kept ? table_of<int32_t>(header.most, 65535) : std::vector<int32_t>();
  for (int64_t y = 0; y < info.height; ++y) {
    const std::string_view row = in.take(row_bytes);
    if (header.kind == kBitmap)
      spread_bits(row, raster.row(y), info.width);
    else if (is_kept)
      scale(row, reinterpret_cast<int32_t*>(raster.row(y)), samples, wide, wide_table);
    else
      scale(row, raster.row(y), samples, wide, bytes_table);
  }
  return raster;
}

}  // namespace kiln::image
