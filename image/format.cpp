#include <kiln/image/format.h>

#include <kiln/image/codec/headers.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

using namespace std::string_view_literals;

struct Mark {
  size_t at;
  std::string_view bytes, name;
};

// What people have beside the formats that are read.
constexpr Mark kUnread[] = {
    {8, "WEBP"sv, "a WebP picture"},
    {4, "ftypheic"sv, "a HEIC picture"},
    {4, "ftypheix"sv, "a HEIC picture"},
    {4, "ftypmif1"sv, "a HEIF picture"},
    {4, "ftypmsf1"sv, "a HEIF picture"},
    {4, "ftypavif"sv, "an AVIF picture"},
    {4, "ftypavis"sv, "an AVIF picture"},
    {4, "ftyp"sv, "a video"},
    {0, "II*\0"sv, "a TIFF picture"},
    {0, "MM\0*"sv, "a TIFF picture"},
    {0, "II+\0"sv, "a BigTIFF picture"},
    {0, "MM\0+"sv, "a BigTIFF picture"},
    {0, "\0\0\0\x0cjP  "sv, "a JPEG 2000 picture"},
    {0, "\xff\x4f\xff\x51"sv, "a JPEG 2000 picture"},
    {0, "\0\0\0\x0cJXL "sv, "a JPEG XL picture"},
    {0, "\xff\x0a"sv, "a JPEG XL picture"},
    {0, "\0\0\1\0"sv, "an icon (ICO)"},
    {0, "DDS "sv, "a DDS texture"},
    {0, "#?RADIANCE"sv, "an HDR picture"},
    {0, "\x76\x2f\x31\x01"sv, "an OpenEXR picture"},
    {0, "%PDF"sv, "a PDF document"},
    {0, "<svg"sv, "an SVG drawing"},
    {0, "<?xml"sv, "an XML document"},
    {0, "<!DOCTYPE"sv, "an HTML document"},
    {0, "<html"sv, "an HTML document"},
    {0, "P1"sv, "a PBM picture in text form"},
    {0, "P2"sv, "a PGM picture in text form"},
    {0, "P3"sv, "a PPM picture in text form"},
    {0, "P7"sv, "a PAM picture"},
};

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool is_pnm(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '4' && bytes[1] <= '6' &&
         (is_space(bytes[2]) || bytes[2] == '#');
}

bool is_bmp(std::string_view bytes) {
  if (!bytes.starts_with("BM") || bytes.size() < 18) return false;
  const uint8_t header = uint8_t(bytes[14]);
  return (header == 12 || header == 40 || header == 52 || header == 56 || header == 64 || header == 108 ||
          header == 124) &&
         bytes.substr(15, 3) == "\0\0\0"sv;
}

[[noreturn]] void fail_unknown(std::string_view bytes) {
  if (bytes.empty()) fail("decode: there are no bytes where a picture should be");
  for (const Mark& mark : kUnread)
    if (bytes.size() > mark.at && bytes.substr(mark.at).starts_with(mark.bytes))
      fail("decode: this is {}, which is not read; convert it to PNG or JPEG", mark.name);
  std::string begin;
  for (const char c : bytes.substr(0, 8))
    begin += fmt::format("{}{:02x}", begin.empty() ? "" : " ", uint8_t(c));
  fail("decode: this is no picture of a known format: it begins with the bytes {}", begin);
}

Info header_of(Format format, std::string_view bytes) {
  switch (format) {
    case Format::jpeg:
      return jpeg_header(bytes);
    case Format::png:
      return png_header(bytes);
    case Format::bmp:
      return bmp_header(bytes);
    case Format::gif:
      return gif_header(bytes);
    case Format::tga:
      return tga_header(bytes);
    case Format::psd:
      return psd_header(bytes);
    case Format::pnm:
      return pnm_header(bytes);
  }
  fail("decode: {} is no format", int(format));
}

}  // namespace

std::string_view name_of(Format format) {
  constexpr std::string_view names[kFormatCount] = {"JPEG", "PNG", "BMP", "GIF", "TGA", "PSD", "PNM"};
  return names[size_t(format)];
}

Format format_of(std::string_view bytes) {
  if (bytes.starts_with("\xff\xd8\xff"sv)) return Format::jpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return Format::png;
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return Format::gif;
  if (bytes.starts_with("8BPS")) return Format::psd;
  if (is_bmp(bytes)) return Format::bmp;
  if (is_pnm(bytes)) return Format::pnm;
  if (may_be_tga(bytes)) return Format::tga;
  fail_unknown(bytes);
}

Info info(std::string_view bytes) {
  const Format format = format_of(bytes);
  const Info info = header_of(format, bytes);
  if (info.width <= 0 || info.height <= 0)
    fail("decode: the {} picture is damaged: it is {} x {} pixels", name_of(format), info.width, info.height);
  return info;
}

}  // namespace kiln::image
