#include <kiln/image/codec/jpeg.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <vector>

#include <jerror.h>
#include <jpeglib.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

// Warnings after which all pixels are still those of the file: bytes that nobody asked for were skipped, or a
// description of the file is odd. After the others libjpeg makes pixels up.
bool is_harmless(int code) {
  return code == JWRN_EXTRANEOUS_DATA || code == JWRN_TOO_MUCH_DATA || code == JWRN_JFIF_MAJOR ||
         code == JWRN_ADOBE_XFORM || code == JWRN_BOGUS_ICC;
}

bool is_cut_off(int code) {
  return code == JWRN_JPEG_EOF || code == JERR_INPUT_EOF || code == JERR_INPUT_EMPTY;
}

// Pillow's CMYK to RGB, of the inverted values that Adobe writes and that all writers follow.
void rgb_of_inverted_cmyk(const uint8_t* in, uint8_t* out, int64_t pixels) {
  for (int64_t x = 0; x < pixels; ++x, in += 4, out += 3)
    for (int c = 0; c < 3; ++c) {
      const int ink = 255 - in[c], black = in[3], product = ink * black + 128;
      out[c] = uint8_t(black - ((product >> 8) + product) / 256);
    }
}

}  // namespace

struct JpegRows::State {
  jpeg_decompress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  std::jmp_buf jump = {};
  int code = 0;  // libjpeg's; 0: a limit of ours
  char message[JMSG_LENGTH_MAX] = "";
  int max_scans = 0;
  std::vector<uint8_t> ink_row;  // a row of CMYK; empty for others

  State() = default;
  ~State() { jpeg_destroy_decompress(&jpeg); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static State& of(j_common_ptr jpeg) { return *static_cast<State*>(jpeg->client_data); }
  [[noreturn]] static void stop(j_common_ptr jpeg) {
    State& state = of(jpeg);
    state.code = jpeg->err->msg_code;
    (*jpeg->err->format_message)(jpeg, state.message);
    std::longjmp(state.jump, 1);
  }
  static void warn(j_common_ptr jpeg, int level) {
    if (level < 0 && !is_harmless(jpeg->err->msg_code)) stop(jpeg);
  }
  static void count_scans(j_common_ptr jpeg) {
    State& state = of(jpeg);
    if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= state.max_scans) return;
    state.code = 0;
    std::longjmp(state.jump, 1);
  }

  // Runs calls of libjpeg. A longjmp leaves `calls` from within C: it holds nothing that needs a destructor.
  template <class F>
  void run(F calls) {
    if (setjmp(jump) == 0) return calls();
    if (code == 0)
      fail("decode: the JPEG picture has more than {} scans; raise max_scans if you trust it", max_scans);
    if (is_cut_off(code)) fail("decode: the JPEG picture is cut off: its data end before its pixels do");
    fail("decode: the JPEG picture is damaged or of an unread kind: {}", message);
  }
};

JpegRows::JpegRows(std::string_view bytes, const DecodeOptions& options, bool rgb)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  jpeg_decompress_struct& jpeg = state.jpeg;
  jpeg.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = State::stop;
  state.errors.emit_message = State::warn;
  state.progress.progress_monitor = State::count_scans;
  state.max_scans = options.max_scans;
  jpeg.client_data = &state;
  state.run([&] {
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &state.progress;
    jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&jpeg, TRUE);
    const bool is_grey = jpeg.num_components == 1;
    jpeg.out_color_space = jpeg.num_components == 4 ? JCS_CMYK : is_grey && !rgb ? JCS_GRAYSCALE : JCS_RGB;
    jpeg.dct_method = JDCT_ISLOW;
  });
  check_pixels(Format::jpeg, width(), height(), options);
}

JpegRows::~JpegRows() = default;

int64_t JpegRows::width() const { return state_->jpeg.image_width; }
int64_t JpegRows::height() const { return state_->jpeg.image_height; }
int JpegRows::channels() const { return state_->jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3; }

Window JpegRows::start(const Window& wanted) {
  State& state = *state_;
  jpeg_decompress_struct& jpeg = state.jpeg;
  state.run([&] { jpeg_start_decompress(&jpeg); });
  // The smooth upsampling of colour looks at neighbours, and the first and last columns that are decoded have
  // none: one block more on each side keeps that away from what is wanted. Likewise above.
  const int64_t block_width = int64_t(jpeg.max_h_samp_factor) * DCTSIZE;
  const int64_t block_height = int64_t(jpeg.max_v_samp_factor) * DCTSIZE;
  const int64_t left = std::max<int64_t>(0, (wanted.left / block_width - 1) * block_width);
  const int64_t right = std::min<int64_t>(width(), wanted.left + wanted.width + block_width);
  const int64_t skipped = std::max<int64_t>(0, (wanted.top / block_height - 1) * block_height);
  JDIMENSION first = JDIMENSION(left), count = JDIMENSION(right - left);
  state.run([&] {
    if (right - left < width()) jpeg_crop_scanline(&jpeg, &first, &count);
    if (skipped > 0) jpeg_skip_scanlines(&jpeg, JDIMENSION(skipped));
  });
  if (jpeg.out_color_space == JCS_CMYK) state.ink_row.resize(size_t(count) * 4);
  std::vector<uint8_t> unused(size_t(count) * 4);
  while (int64_t(jpeg.output_scanline) < wanted.top) read(unused.data());
  return {.top = wanted.top, .left = int64_t(first), .height = wanted.height, .width = int64_t(count)};
}

void JpegRows::read(uint8_t* row) {
  State& state = *state_;
  const bool has_ink = !state.ink_row.empty();
  JSAMPROW to = has_ink ? state.ink_row.data() : row;
  state.run([&] { jpeg_read_scanlines(&state.jpeg, &to, 1); });
  if (has_ink) rgb_of_inverted_cmyk(to, row, state.jpeg.output_width);
}

void JpegRows::finish() {
  State& state = *state_;
  jpeg_decompress_struct& jpeg = state.jpeg;
  std::vector<uint8_t> unused(size_t(jpeg.output_width) * 4);
  // Up to the last row: libjpeg does not look at data behind which it is to skip everything.
  const JDIMENSION left = jpeg.output_height - jpeg.output_scanline;
  if (left > 1) state.run([&] { jpeg_skip_scanlines(&jpeg, left - 1); });
  while (jpeg.output_scanline < jpeg.output_height) read(unused.data());
  state.run([&] { jpeg_finish_decompress(&jpeg); });
}

Raster decode_jpeg(std::string_view bytes, const DecodeOptions& options) {
  JpegRows rows(bytes, options, options.mode == Mode::rgb);
  const Raster raster = Raster::allocate(rows.width(), rows.height(), rows.channels());
  rows.start({.top = 0, .left = 0, .height = raster.height, .width = raster.width});
  for (int64_t y = 0; y < raster.height; ++y) rows.read(raster.row(y));
  rows.finish();
  return raster;
}

}  // namespace kiln::image
