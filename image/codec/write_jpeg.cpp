#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include <kiln/image/encode.h>
#include <kiln/image/resample/picture.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

class JpegWriter {
 public:
  JpegWriter() {
    jpeg.err = jpeg_std_error(&errors_);
    errors_.error_exit = stop;
    errors_.emit_message = ignore;
    jpeg.client_data = this;
    run([&] { jpeg_create_compress(&jpeg); });
  }
  ~JpegWriter() {
    jpeg_destroy_compress(&jpeg);
    std::free(data_);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  // A longjmp leaves `calls` from within C: it holds nothing that needs a destructor.
  template <class F>
  void run(F calls) {
    if (setjmp(jump_) == 0) return calls();
    fail("encode_jpeg: {}", message_);
  }
  void open() { jpeg_mem_dest(&jpeg, &data_, &size_); }
  std::string bytes() const { return {reinterpret_cast<const char*>(data_), size_}; }

  jpeg_compress_struct jpeg = {};

 private:
  [[noreturn]] static void stop(j_common_ptr jpeg) {
    JpegWriter& self = *static_cast<JpegWriter*>(jpeg->client_data);
    (*jpeg->err->format_message)(jpeg, self.message_);
    std::longjmp(self.jump_, 1);
  }
  static void ignore(j_common_ptr, int) {}

  jpeg_error_mgr errors_ = {};
  std::jmp_buf jump_ = {};
  char message_[JMSG_LENGTH_MAX] = "";
  unsigned char* data_ = nullptr;
  unsigned long size_ = 0;
};

void set_up(jpeg_compress_struct& jpeg, const Tensor& picture, const JpegOptions& options) {
  jpeg.input_components = int(picture.size(0));
  jpeg.in_color_space = jpeg.input_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg.image_height = JDIMENSION(picture.size(1));
  jpeg.image_width = JDIMENSION(picture.size(2));
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, options.quality, TRUE);
  const bool is_grey = jpeg.input_components == 1;
  jpeg.comp_info[0].h_samp_factor = is_grey || options.subsampling == Subsampling::s444 ? 1 : 2;
  jpeg.comp_info[0].v_samp_factor = !is_grey && options.subsampling == Subsampling::s420 ? 2 : 1;
  if (options.progressive) jpeg_simple_progression(&jpeg);
}

}  // namespace

std::string encode_jpeg(const Tensor& image, const JpegOptions& options) {
  const Tensor picture = with_channels(image);
  check_picture("encode_jpeg", picture);
  const int64_t channels = picture.size(0), height = picture.size(1), width = picture.size(2);
  if (channels != 1 && channels != 3)
    fail(
        "encode_jpeg: the picture has {} channels, expected 1 or 3: JPEG has no alpha; write a PNG or leave "
        "it out",
        channels);
  if (options.quality < 1 || options.quality > 100)
    fail("encode_jpeg: the quality is {}, expected 1 .. 100", options.quality);
  if (height > JPEG_MAX_DIMENSION || width > JPEG_MAX_DIMENSION)
    fail("encode_jpeg: the picture has {} x {} pixels, JPEG holds at most {} on a side", width, height,
         JPEG_MAX_DIMENSION);
  JpegWriter writer;
  writer.run([&] {
    writer.open();
    set_up(writer.jpeg, picture, options);
    jpeg_start_compress(&writer.jpeg, TRUE);
  });
  PictureRows rows(picture);
  for (int64_t y = 0; y < height; ++y) {
    JSAMPROW row = const_cast<JSAMPROW>(rows.row(y));
    writer.run([&] { jpeg_write_scanlines(&writer.jpeg, &row, 1); });
  }
  writer.run([&] { jpeg_finish_compress(&writer.jpeg); });
  return writer.bytes();
}

}  // namespace kiln::image
