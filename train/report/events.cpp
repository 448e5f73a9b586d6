#include <kiln/train/report/events.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/crc32c.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/train/report/protobuf.h>

namespace kiln::io {
namespace {

constexpr double kFlushSeconds = 2;
constexpr size_t kFlushBytes = 1 << 20;
constexpr int kBuckets = 64;

// Field numbers of tensorflow's event.proto, summary.proto and tensor.proto.
namespace event {
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
}
namespace summary {
constexpr int kValue = 1, kTag = 1, kSimpleValue = 2, kImage = 4, kHistogram = 5, kTensor = 8, kMetadata = 9;
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string four_bytes(uint32_t value) {
  std::string text(4, '\0');
  std::memcpy(text.data(), &value, 4);
  return text;
}

// A checksum of data that holds checksums is weak, so TFRecord stores it rotated and moved.
uint32_t masked_crc(std::string_view data) {
  const uint32_t crc = crc32c(data.data(), data.size());
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

std::string record(std::string_view data) {
  const uint64_t size = data.size();
  std::string text(8, '\0');
  std::memcpy(text.data(), &size, 8);
  text += four_bytes(masked_crc(text));
  text += data;
  return text + four_bytes(masked_crc(data));
}

Message event_at(int64_t step) { return Message().real(event::kWallTime, now()).integer(event::kStep, step); }

}  // namespace

EventWriter::EventWriter(const std::string& folder, const EventOptions& options) : last_flush_(now()) {
  static std::atomic<int> count = 0;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("event writer: cannot create the folder '{}': {}", folder, error.message());
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  path_ = fmt::format("{}/events.out.tfevents.{:010}.{}.{}.{}", folder, int64_t(now()), host, ::getpid(),
                      count++);
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("event writer: cannot create '{}': {}", path_, std::strerror(errno));
  add(Message().real(event::kWallTime, now()).bytes(event::kFileVersion, "brain.Event:2").text());
  if (options.resume_at >= 0) {
    constexpr int kStatus = 1, kStart = 1;
    add(event_at(options.resume_at)
            .bytes(event::kSessionLog, Message().integer(kStatus, kStart).text())
            .text());
  }
  try {
    flush();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

EventWriter::~EventWriter() {
  try {
    flush();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  ::close(descriptor_);
}

void EventWriter::add(std::string_view event) { pending_ += record(event); }

void EventWriter::add_summary(std::string_view value, int64_t step) {
  add(event_at(step).bytes(event::kSummary, Message().bytes(summary::kValue, value).text()).text());
  if (pending_.size() >= kFlushBytes || now() - last_flush_ >= kFlushSeconds) flush();
}

void EventWriter::flush() {
  last_flush_ = now();
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t put = ::write(descriptor_, rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const int error = put < 0 ? errno : EIO;
      // Half a record would make readers stop there; what did not fit is dropped, and said to be.
      const bool cut =
          ::ftruncate(descriptor_, written_) == 0 && ::lseek(descriptor_, written_, SEEK_SET) >= 0;
      pending_.clear();
      fail("event writer: cannot write '{}': {}{}", path_, std::strerror(error),
           cut ? "" : " (and its last record is incomplete)");
    }
    rest.remove_prefix(size_t(put));
  }
  written_ += int64_t(pending_.size());
  pending_.clear();
}

void EventWriter::scalar(std::string_view tag, double value, int64_t step) {
  add_summary(Message().bytes(summary::kTag, tag).single(summary::kSimpleValue, float(value)).text(), step);
}

void EventWriter::text(std::string_view tag, std::string_view text, int64_t step) {
  constexpr int kDtype = 1, kString = 7, kShape = 2, kDim = 2, kSize = 1, kStringValue = 8;
  constexpr int kPluginData = 1, kPluginName = 1;
  const Message dim = Message().integer(kSize, 1);
  const Message tensor = Message()
                             .integer(kDtype, kString)
                             .bytes(kShape, Message().bytes(kDim, dim.text()).text())
                             .bytes(kStringValue, text);
  const Message metadata = Message().bytes(kPluginData, Message().bytes(kPluginName, "text").text());
  add_summary(Message()
                  .bytes(summary::kTag, tag)
                  .bytes(summary::kTensor, tensor.text())
                  .bytes(summary::kMetadata, metadata.text())
                  .text(),
              step);
}

void EventWriter::histogram(std::string_view tag, const Tensor& x, int64_t step) {
  constexpr int kMin = 1, kMax = 2, kNum = 3, kSum = 4, kSumSquares = 5, kLimits = 6, kCounts = 7;
  std::vector<double> values = x.to_vector<double>();
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  double low = 0, high = 0, sum = 0, squares = 0;
  if (!values.empty()) {
    const auto [least, most] = std::ranges::minmax(values);
    low = least, high = most;
  }
  std::vector<double> counts(kBuckets);
  const double scale = high > low ? kBuckets / (high - low) : 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
    counts[size_t(std::clamp(int((value - low) * scale), 0, kBuckets - 1))] += 1;
  }
  Message limits, packed;
  for (int i = 0; i < kBuckets; ++i) {
    limits.element(i + 1 == kBuckets ? high : low + (high - low) * (i + 1) / kBuckets);
    packed.element(counts[size_t(i)]);
  }
  const Message histogram = Message()
                                .real(kMin, low)
                                .real(kMax, high)
                                .real(kNum, double(values.size()))
                                .real(kSum, sum)
                                .real(kSumSquares, squares)
                                .bytes(kLimits, limits.text())
                                .bytes(kCounts, packed.text());
  add_summary(Message().bytes(summary::kTag, tag).bytes(summary::kHistogram, histogram.text()).text(), step);
}

void EventWriter::image(std::string_view tag, const Tensor& picture, int64_t step) {
  // The colour space's number is that of the channels: grey, grey and alpha, RGB, RGBA.
  constexpr int kHeight = 1, kWidth = 2, kColorspace = 3, kEncoded = 4;
  const Tensor x = picture.to(cpu);
  const std::string png = image::encode_png(x);
  const bool has_channels = x.dim() == 3;
  const Message image = Message()
                            .integer(kHeight, x.size(-2))
                            .integer(kWidth, x.size(-1))
                            .integer(kColorspace, has_channels ? x.size(0) : 1)
                            .bytes(kEncoded, png);
  add_summary(Message().bytes(summary::kTag, tag).bytes(summary::kImage, image.text()).text(), step);
}

void EventWriter::images(std::string_view tag, const Tensor& pictures, int64_t step, int64_t columns) {
  if (pictures.dim() != 4 || pictures.numel() == 0 || columns < 1)
    fail("event writer: '{}' is {} in {} columns, and should be pictures [N,C,H,W] in 1 or more", tag,
         pictures.shape(), columns);
  const NoGrad scope;
  const int64_t count = pictures.size(0), height = pictures.size(2), width = pictures.size(3);
  const int64_t wide = std::min(columns, count), high = (count + wide - 1) / wide;
  const Tensor grid = zeros({pictures.size(1), high * height, wide * width},
                            {.dtype = pictures.dtype(), .device = pictures.device()});
  for (int64_t i = 0; i < count; ++i)
    grid.narrow(1, i / wide * height, height).narrow(2, i % wide * width, width).copy_(pictures[i]);
  image(tag, grid, step);
}

}  // namespace kiln::io
