#pragma once

// Internal: a uint8 picture [C,H,W] of any strides, row by row.

#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln::image {

// Throws, as `op`, for what is no uint8 [C,H,W] on the CPU with 1 to 4 channels and at least a pixel.
void check_picture(const char* op, const Tensor& picture);

// [H,W] as [1,H,W]; others as they are.
Tensor with_channels(const Tensor& picture);

// Rows with the channels of a pixel side by side and kRowSlack bytes behind them that may be read.
class PictureRows {
 public:
  explicit PictureRows(const Tensor& picture);
  // Holds until the next call.
  const uint8_t* row(int64_t y);

 private:
  Tensor picture_;
  const uint8_t* data_;
  int64_t channels_, height_, width_;
  bool is_interleaved_;
  std::vector<uint8_t> row_;
};

// New memory, channels side by side.
Tensor empty_picture(int64_t channels, int64_t height, int64_t width);

// The part as a view.
Tensor window(const Tensor& picture, int64_t top, int64_t left, int64_t height, int64_t width);

}  // namespace kiln::image
