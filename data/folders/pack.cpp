#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/data/folders/packed.h>
#include <kiln/data/folders/packed_file.h>
#include <kiln/data/folders/targets.h>
#include <kiln/image/resize.h>
#include <kiln/io/bytes/crc32c.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/load.h>

namespace kiln::data {
namespace {

// The pictures' bytes while they are collected; goes with this object. The next pack() of the same path takes
// the place of one that a killed program left.
class Collected {
 public:
  explicit Collected(const std::string& path) : path_(path + ".packing"), out_(path_, std::ios::binary) {
    if (!out_) fail("{}: cannot make the file", path_);
  }
  ~Collected() {
    std::error_code error;
    std::filesystem::remove(path_, error);
  }
  Collected(const Collected&) = delete;
  Collected& operator=(const Collected&) = delete;

  void add(std::string_view bytes) {
    if (!out_.write(bytes.data(), std::streamsize(bytes.size())))
      fail("{}: cannot write; is the disk full?", path_);
    offsets_.push_back(offsets_.back() + int64_t(bytes.size()));
    checksums_.push_back(int64_t(io::crc32c(bytes.data(), bytes.size())));
  }
  Tensor bytes() {
    out_.close();
    if (!out_) fail("{}: cannot write; is the disk full?", path_);
    Ref<Storage> storage = io::InputFile(path_).map(false);
    if (!storage) return empty({0}, {.dtype = uint8, .device = cpu});
    return from_storage(std::move(storage), uint8, Layout::contiguous({offsets_.back()}));
  }
  const std::vector<int64_t>& offsets() const { return offsets_; }
  const std::vector<int64_t>& checksums() const { return checksums_; }

 private:
  std::string path_;
  std::ofstream out_;
  std::vector<int64_t> offsets_ = {0}, checksums_;
};

// Where the middle of a length begins, as center_crop has it.
double crop_begin(int64_t length, int64_t crop) {
  return length >= crop ? std::nearbyint(double(length - crop) / 2) : -std::floor(double(crop - length) / 2);
}

// Boxes move along with a picture of height and width before and after the resize.
void move_boxes(AnnotatedImage& image, const Shape& before, const Shape& after, int64_t crop) {
  const double x = double(after[2]) / double(before[2]), y = double(after[1]) / double(before[1]);
  const double left = crop > 0 ? crop_begin(after[2], crop) : 0,
               top = crop > 0 ? crop_begin(after[1], crop) : 0;
  image.width = crop > 0 ? crop : after[2];
  image.height = crop > 0 ? crop : after[1];
  for (ObjectBox& box : image.boxes) {
    const double right = std::min((box.left + box.width) * x - left, double(image.width));
    const double bottom = std::min((box.top + box.height) * y - top, double(image.height));
    box.left = std::max(box.left * x - left, 0.0);
    box.top = std::max(box.top * y - top, 0.0);
    box.width = right - box.left;
    box.height = bottom - box.top;
    box.polygons.clear();
    box.mask = {};
  }
  std::erase_if(image.boxes, [](const ObjectBox& box) { return box.width <= 0 || box.height <= 0; });
}

Tensor decoded(const std::string& path, AnnotatedImage& image, const PackOptions& options) {
  Tensor x = image::read(path, options.decode);
  if (x.dtype() != uint8) fail("{}: pictures of 16 bits are not packed; leave keep_16_bits off", path);
  const Shape before = x.shape();
  if (options.shorter_side > 0) x = image::resize_shorter(x, options.shorter_side);
  const Shape after = x.shape();
  if (options.crop > 0) x = image::center_crop(x, {options.crop, options.crop});
  if (options.shorter_side > 0 || options.crop > 0)
    move_boxes(image, before, after, options.crop);
  else
    image.width = before[2], image.height = before[1];
  return x;
}

std::string rows_of(const Tensor& x) {
  const int64_t channels = x.shape()[0], height = x.shape()[1], width = x.shape()[2];
  std::string out(size_t(x.numel()), '\0');
  const auto* from = x.data<uint8_t>();
  char* to = out.data();
  for (int64_t row = 0; row < height; ++row)
    for (int64_t column = 0; column < width; ++column)
      for (int64_t c = 0; c < channels; ++c)
        *to++ = char(from[c * x.stride(0) + row * x.stride(1) + column * x.stride(2)]);
  return out;
}

}  // namespace

void pack(const Annotations& annotations, const std::string& path, const PackOptions& options) {
  if (options.encoded && (options.shorter_side > 0 || options.crop > 0))
    fail("pack: encoded pictures are not resized; leave shorter_side and crop at 0");
  if (options.shorter_side < 0 || options.crop < 0) fail("pack: shorter_side and crop must not be negative");
  if (!annotations.packed.empty())
    fail("pack: the pictures are packed already, in {}; pack the set that it was made of",
         annotations.packed);
  Annotations packed = annotations;
  Collected collected(path);
  std::vector<int64_t> shapes;
  const auto total = int64_t(packed.images.size());
  for (int64_t i = 0; i < total; ++i) {
    AnnotatedImage& image = packed.images[size_t(i)];
    const std::string file = annotations.path_of(image);
    if (options.encoded) {
      const io::InputFile input(file);
      collected.add(input.read(0, input.size()));
    } else {
      const Tensor x = decoded(file, image, options);
      for (int d = 0; d < 3; ++d) shapes.push_back(x.shape()[d]);
      collected.add(rows_of(x));
    }
    if (options.progress) options.progress(i + 1, total);
  }
  const std::string manifest = manifest_text(packed, '{');
  Value file = {{"kind", kPackedKind},
                {"encoded", options.encoded},
                {"manifest", host_tensor(std::vector<uint8_t>(manifest.begin(), manifest.end()),
                                         {int64_t(manifest.size())})},
                {"offsets", host_tensor(collected.offsets(), {total + 1})},
                {"checksums", host_tensor(collected.checksums(), {total})},
                {"bytes", collected.bytes()}};
  if (!options.encoded) file["shapes"] = host_tensor(shapes, {total, 3});
  io::save(path, file, {.format = "kiln"});
}

}  // namespace kiln::data
