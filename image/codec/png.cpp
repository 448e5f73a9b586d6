#include <kiln/image/codec/png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include <png.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

// What libpng works on, and where its errors come out.
class PngReader {
 public:
  explicit PngReader(std::string_view bytes) : bytes_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, stop, ignore);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, &info_, nullptr);
      fail("decode: libpng has no memory");
    }
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  png_structp png() { return png_; }
  png_infop info() { return info_; }

  // Runs calls of libpng. A longjmp leaves `calls` from within C: it holds nothing that needs a destructor.
  template <class F>
  void run(F calls) {
    if (setjmp(jump_) == 0) return calls();
    if (is_cut_off_) fail("decode: the PNG picture is cut off at byte {}", bytes_.size());
    fail("decode: the PNG picture is damaged: {}", message_);
  }

  static void give(png_structp png, png_bytep out, size_t count) {
    PngReader& self = *static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self.bytes_.size() - self.at_) {
      self.is_cut_off_ = true;
      png_error(png, "cut off");
    }
    std::memcpy(out, self.bytes_.data() + self.at_, count);
    self.at_ += count;
  }

 private:
  [[noreturn]] static void stop(png_structp png, png_const_charp message) {
    PngReader& self = *static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(self.message_, sizeof self.message_, "%s", message);
    std::longjmp(self.jump_, 1);
  }
  static void ignore(png_structp, png_const_charp) {}

  std::string_view bytes_;
  size_t at_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_ = {};
  bool is_cut_off_ = false;
  char message_[200] = "";
};

// Descriptions can unpack to much more than they take in the file; only their checksums are looked at.
void leave_out_descriptions(png_structp png) {
  static constexpr png_byte names[] =
      "iCCP\0tEXt\0zTXt\0iTXt\0sPLT\0eXIf\0hIST\0gAMA\0cHRM\0sRGB\0sBIT\0tIME";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, sizeof names / 5);
}

void set_transforms(png_structp png, png_infop info, bool keep_16_bits) {
  const png_byte colour = png_get_color_type(png, info);
  const bool is_palette = colour == PNG_COLOR_TYPE_PALETTE;
  if (is_palette) png_set_packing(png);
  if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  if (!is_palette && png_get_valid(png, info, PNG_INFO_tRNS) != 0) png_set_tRNS_to_alpha(png);
  if (!keep_16_bits)
    png_set_strip_16(png);
  else
    png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

// Colours for their numbers. libpng would make a black pixel of one that the palette does not have.
Raster with_colours(const Raster& numbers, png_structp png, png_infop info) {
  png_colorp colours = nullptr;
  png_bytep alphas = nullptr;
  int count = 0, alpha_count = 0;
  png_get_PLTE(png, info, &colours, &count);
  png_get_tRNS(png, info, &alphas, &alpha_count, nullptr);
  const int channels = alpha_count > 0 ? 4 : 3;
  const Raster result = Raster::allocate(numbers.width, numbers.height, channels);
  const uint8_t* in = numbers.row(0);
  uint8_t* out = result.row(0);
  for (const uint8_t* end = in + numbers.width * numbers.height; in != end; ++in, out += channels) {
    if (*in >= count) fail("decode: the PNG picture is damaged: a pixel has the colour {} of {}", *in, count);
    out[0] = colours[*in].red;
    out[1] = colours[*in].green;
    out[2] = colours[*in].blue;
    if (channels == 4) out[3] = *in < alpha_count ? alphas[*in] : 255;
  }
  return result;
}

// libpng leaves out one of a wrong length or at a wrong place; the header has been told from it.
void check_transparency(png_structp png, png_infop info, const Info& header) {
  const bool is_told = png_get_color_type(png, info) < PNG_COLOR_MASK_ALPHA && header.channels % 2 == 0;
  if (is_told && png_get_valid(png, info, PNG_INFO_tRNS) == 0)
    fail("decode: the PNG picture is damaged: its transparency (tRNS) does not fit its colours");
}

}  // namespace

Raster decode_png(std::string_view bytes, const Info& header, const DecodeOptions& options) {
  PngReader reader(bytes);
  png_structp png = reader.png();
  png_infop info = reader.info();
  const bool wide = header.bits == 16 && options.keep_16_bits;
  reader.run([&] {
    png_set_read_fn(png, &reader, PngReader::give);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png, png_uint_32(header.width), png_uint_32(header.height));
    leave_out_descriptions(png);
    png_read_info(png, info);
    set_transforms(png, info, wide);
  });
  const int64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  check_pixels(Format::png, width, height, options);
  check_transparency(png, info, header);
  const Raster raster = Raster::allocate(width, height, png_get_channels(png, info), wide ? int32 : uint8);
  const size_t row_bytes = png_get_rowbytes(png, info);
  // 16-bit samples are read into the first half of each row's int32 ones and spread from the end.
  const bool fits = row_bytes == size_t(width) * size_t(raster.channels) * (wide ? 2 : 1);
  if (!fits) fail("decode: the PNG picture is damaged: its rows have {} bytes", row_bytes);
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < height; ++y) rows.push_back(raster.row(y));
  reader.run([&] {
    png_read_image(png, rows.data());
    png_read_end(png, nullptr);
  });
  if (png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE) return with_colours(raster, png, info);
  if (!wide) return raster;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t i = width * raster.channels; i-- > 0;) {
      uint16_t sample = 0;
      std::memcpy(&sample, raster.row(y) + 2 * i, sizeof sample);
      const int32_t value = sample;
      std::memcpy(raster.row(y) + 4 * i, &value, sizeof value);
    }
  return raster;
}

}  // namespace kiln::image
