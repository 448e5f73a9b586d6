#pragma once

// Internal: JPEG by libjpeg-turbo.

#include <memory>

#include <kiln/image/codec/raster.h>
#include <kiln/image/move/crop.h>

namespace kiln::image {

// Gives the rows of a picture in RGB or grey from top to bottom. What libjpeg reports, by its longjmp, leaves
// every member as an Error.
class JpegRows {
 public:
  // Reads the header. `bytes` must live as long as this. Of a grey picture rows have one channel, unless
  // `rgb`.
  JpegRows(std::string_view bytes, const DecodeOptions& options, bool rgb);
  ~JpegRows();
  JpegRows(const JpegRows&) = delete;
  JpegRows& operator=(const JpegRows&) = delete;

  int64_t width() const;
  int64_t height() const;
  int channels() const;

  // Before the first row: only this window is wanted. Returns the one that will be given, which is as high
  // and may be wider; what lies beside the wanted pixels may be anything, those are as in the whole picture.
  Window start(const Window& wanted);
  // The next row of the window.
  void read(uint8_t* row);
  // Goes through the rest of the file: one that is cut off there is an error too.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Raster decode_jpeg(std::string_view bytes, const DecodeOptions& options);

}  // namespace kiln::image
