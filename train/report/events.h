#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <kiln/tensor/tensor.h>

namespace kiln::io {

struct EventOptions {
  // A resumed run says where it goes on: TensorBoard then hides what an earlier, interrupted run wrote for
  // this step and later ones. Negative: a run from the start.
  int64_t resume_at = -1;
};

// Writes what TensorBoard shows: `tensorboard --logdir runs`, each folder below it a run, tags grouped by
// what stands before the '/'. Every writer adds an event file of its own to the folder, which is created when
// it is missing. Records are TFRecords with a masked CRC-32C around a protobuf `Event`.
//
//     io::EventWriter events("runs/first");
//     events.scalar("loss/train", loss.item<double>(), epoch);
//
// Records are collected in memory and written every two seconds; an error of the disk is thrown by the call
// that meets it. Not for use from several threads at once.
class EventWriter {
 public:
  explicit EventWriter(const std::string& folder, const EventOptions& options = {});
  // Writes what is left. A failure is reported on standard error; call flush() before to have it thrown.
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  void scalar(std::string_view tag, double value, int64_t step);
  // Shown as Markdown.
  void text(std::string_view tag, std::string_view text, int64_t step);
  // The distribution of the finite elements.
  void histogram(std::string_view tag, const Tensor& x, int64_t step);
  // A picture, uint8 [C,H,W] of 1 to 4 channels as image::encode_png takes it.
  void image(std::string_view tag, const Tensor& picture, int64_t step);
  // Pictures of one size, uint8 [N,C,H,W], as one: rows of up to `columns` of them, side by side (PyTorch's
  // add_images, which has 8); what is left of the last row is black.
  void images(std::string_view tag, const Tensor& pictures, int64_t step, int64_t columns = 8);
  void flush();

  // Of the event file.
  const std::string& path() const { return path_; }

 private:
  void add(std::string_view event);
  void add_summary(std::string_view value, int64_t step);

  std::string path_;
  std::string pending_;
  int descriptor_ = -1;
  int64_t written_ = 0;
  double last_flush_ = 0;
};

}  // namespace kiln::io
