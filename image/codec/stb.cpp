#include <stb_image.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include <kiln/image/codec/small.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

// stb_image takes zeros, or what memory held, for bytes that are not there. It is given the bytes one way
// only, and that it asked for more is kept.
struct Bytes {
  static constexpr size_t kAhead = 128;  // what it reads ahead, which may be more than there is
  std::string_view bytes;
  size_t at = 0;
  bool is_short = false;

  size_t left() const { return bytes.size() - at; }

  static int read(void* user, char* out, int count) {
    Bytes& self = *static_cast<Bytes*>(user);
    const size_t wanted = size_t(std::max(count, 0)), given = std::min(wanted, self.left());
    std::memcpy(out, self.bytes.data() + self.at, given);
    std::memset(out + given, 0, wanted - given);
    self.at += given;
    self.is_short |= given < wanted && (given == 0 || wanted != kAhead);
    return int(given);
  }
  static void skip(void* user, int count) {
    Bytes& self = *static_cast<Bytes*>(user);
    self.is_short |= count < 0 || size_t(count) > self.left();
    self.at += count < 0 ? 0 : std::min(size_t(count), self.left());
  }
  static int is_at_end(void* user) { return static_cast<Bytes*>(user)->left() == 0 ? 1 : 0; }
};

}  // namespace

Raster decode_by_stb(std::string_view bytes, const Info& info) {
  const stbi_io_callbacks calls = {Bytes::read, Bytes::skip, Bytes::is_at_end};
  Bytes source = {bytes};
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_callbacks(&calls, &source, &width, &height, &channels, info.channels), stbi_image_free);
  const std::string_view name = name_of(info.format);
  if (source.is_short) fail("decode: the {} picture is cut off at byte {}", name, bytes.size());
  if (!pixels) {
    const char* reason = stbi_failure_reason();
    fail("decode: the {} picture is damaged or of an unread kind: {}", name,
         reason != nullptr ? reason : "unknown");
  }
  if (width != info.width || height != info.height)
    fail("decode: the {} picture is damaged: it is {} x {} pixels, its header says {} x {}", name, width,
         height, info.width, info.height);
  const Raster raster = Raster::allocate(width, height, info.channels);
  std::memcpy(raster.storage->data, pixels.get(), size_t(height * raster.row_bytes()));
  return raster;
}

}  // namespace kiln::image
