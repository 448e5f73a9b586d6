#include <csetjmp>
#include <cstdio>
#include <vector>

#include <png.h>

#include <kiln/image/encode.h>
#include <kiln/image/resample/picture.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

class PngWriter {
 public:
  PngWriter() : png_(png_create_write_struct(PNG_LIBPNG_VER_STRING, this, stop, ignore)) {
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_write_struct(&png_, &info_);
      fail("encode_png: libpng has no memory");
    }
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  png_structp png() { return png_; }
  png_infop info() { return info_; }
  std::string bytes;

  // A longjmp leaves `calls` from within C: it holds nothing that needs a destructor.
  template <class F>
  void run(F calls) {
    if (setjmp(jump_) == 0) return calls();
    fail("encode_png: {}", message_);
  }
  static void take(png_structp png, png_bytep data, size_t count) {
    PngWriter& self = *static_cast<PngWriter*>(png_get_io_ptr(png));
    self.bytes.append(reinterpret_cast<const char*>(data), count);
  }

 private:
  [[noreturn]] static void stop(png_structp png, png_const_charp message) {
    PngWriter& self = *static_cast<PngWriter*>(png_get_error_ptr(png));
    std::snprintf(self.message_, sizeof self.message_, "%s", message);
    std::longjmp(self.jump_, 1);
  }
  static void ignore(png_structp, png_const_charp) {}

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_ = {};
  char message_[200] = "";
};

}  // namespace

std::string encode_png(const Tensor& image, const PngOptions& options) {
  const Tensor picture = with_channels(image);
  check_picture("encode_png", picture);
  if (options.compression < 0 || options.compression > 9)
    fail("encode_png: the compression is {}, expected 0 .. 9", options.compression);
  constexpr int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                             PNG_COLOR_TYPE_RGBA};
  const int64_t height = picture.size(1), width = picture.size(2);
  constexpr int64_t kMost = 1'000'000;  // libpng's own limit
  if (height > kMost || width > kMost)
    fail("encode_png: the picture has {} x {} pixels, expected at most {} on a side", width, height, kMost);
  PngWriter writer;
  png_structp png = writer.png();
  png_infop info = writer.info();
  writer.run([&] {
    png_set_write_fn(png, &writer, PngWriter::take, nullptr);
    png_set_compression_level(png, options.compression);
    png_set_IHDR(png, info, png_uint_32(width), png_uint_32(height), 8, colours[picture.size(0) - 1],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
  });
  PictureRows rows(picture);
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* row = rows.row(y);
    writer.run([&] { png_write_row(png, row); });
  }
  writer.run([&] { png_write_end(png, info); });
  return std::move(writer.bytes);
}

}  // namespace kiln::image
