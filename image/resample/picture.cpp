#include <kiln/image/resample/picture.h>

#include <cstring>

#include <kiln/image/resample/passes.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {

void check_picture(const char* op, const Tensor& picture) {
  if (!picture.defined()) fail("{}: the picture is undefined", op);
  const Shape& shape = picture.shape();
  if (picture.dtype() != uint8)
    fail("{}: the picture is {}, expected uint8 of 0 .. 255; multiply one of 0 .. 1 by 255 and convert it",
         op, picture.dtype());
  if (shape.rank() != 3 || shape[0] < 1 || shape[0] > 4)
    fail("{}: the picture has the shape {}, expected [C,H,W] with 1 to 4 channels", op, shape);
  if (shape[1] < 1 || shape[2] < 1) fail("{}: the picture of the shape {} has no pixels", op, shape);
  if (!picture.is_cpu())
    fail("{}: the picture is on {}, expected on the CPU; move it by cpu()", op, picture.device());
}

Tensor with_channels(const Tensor& picture) {
  if (!picture.defined() || picture.dim() != 2) return picture;
  return from_storage(picture.impl()->storage, picture.dtype(), picture.layout().unsqueeze(0));
}

PictureRows::PictureRows(const Tensor& picture)
    : picture_(picture),
      data_(static_cast<const uint8_t*>(picture.raw_data())),
      channels_(picture.size(0)),
      height_(picture.size(1)),
      width_(picture.size(2)),
      is_interleaved_((channels_ == 1 || picture.stride(0) == 1) && picture.stride(2) == channels_),
      row_(size_t(channels_ * width_ + kRowSlack)) {}

const uint8_t* PictureRows::row(int64_t y) {
  const Strides& strides = picture_.strides();
  const uint8_t* from = data_ + y * strides[1];
  // Slack behind the last rows may lie outside of the storage.
  const Storage& storage = *picture_.impl()->storage;
  const uint8_t* end = static_cast<const uint8_t*>(storage.data) + storage.bytes;
  if (is_interleaved_ && end - from >= channels_ * width_ + kRowSlack) return from;
  if (is_interleaved_) {
    std::memcpy(row_.data(), from, size_t(channels_ * width_));
    return row_.data();
  }
  for (int64_t c = 0; c < channels_; ++c) {
    const uint8_t* in = from + c * strides[0];
    uint8_t* out = row_.data() + c;
    for (int64_t x = 0; x < width_; ++x) out[x * channels_] = in[x * strides[2]];
  }
  return row_.data();
}

Tensor empty_picture(int64_t channels, int64_t height, int64_t width) {
  Layout layout;
  layout.shape = {channels, height, width};
  layout.strides = {1, width * channels, channels};
  return from_storage(Storage::allocate(channels * height * width, kiln::cpu), uint8, layout);
}

Tensor window(const Tensor& picture, int64_t top, int64_t left, int64_t height, int64_t width) {
  const Layout layout = picture.layout().narrow(1, top, height).narrow(2, left, width);
  return from_storage(picture.impl()->storage, picture.dtype(), layout);
}

}  // namespace kiln::image
