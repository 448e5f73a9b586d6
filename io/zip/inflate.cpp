#include <kiln/io/zip/inflate.h>

#include <zlib.h>

#include <algorithm>
#include <vector>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

class Stream {
 public:
  Stream() {
    if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) fail("load: nothing can be inflated: no memory");
  }
  ~Stream() { ::inflateEnd(&stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  z_stream* operator->() { return &stream_; }
  int step() { return ::inflate(&stream_, Z_NO_FLUSH); }

 private:
  z_stream stream_ = {};
};

}  // namespace

bool inflate(int64_t stored, int64_t size, Window window,
             const Function<void(int64_t at, int64_t bytes, void* out)>& read,
             const Function<bool(const char* data, int64_t bytes)>& put) {
  constexpr int64_t kPiece = 256 << 10, kMost = 1 << 30;  // zlib counts in 32 bits
  Stream stream;
  std::vector<Bytef> packed(size_t(std::min(std::max<int64_t>(stored, 1), kPiece)));
  int64_t taken = 0, made = 0, in_window = 0;
  Bytef beyond = 0;  // where a byte too many would go
  for (int status = Z_OK; status != Z_STREAM_END;) {
    if (stream->avail_in == 0 && taken < stored) {
      const int64_t piece = std::min(stored - taken, int64_t(packed.size()));
      read(taken, piece, packed.data());
      taken += piece;
      stream->next_in = packed.data();
      stream->avail_in = uInt(piece);
    }
    const int64_t room = std::min({size - made, window.bytes - in_window, kMost});
    stream->next_out = room > 0 ? reinterpret_cast<Bytef*>(window.data + in_window) : &beyond;
    stream->avail_out = room > 0 ? uInt(room) : 1;
    const uInt in_before = stream->avail_in, out_before = stream->avail_out;
    status = stream.step();
    const int64_t got = out_before - stream->avail_out;
    if ((status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) || got > room) return false;
    made += got;
    in_window += got;
    if (in_window == window.bytes && in_window > 0 && made < size) {
      if (!put(window.data, in_window)) return true;
      in_window = 0;
    }
    const bool is_stuck = got == 0 && in_before == stream->avail_in && taken == stored;
    if (status != Z_STREAM_END && is_stuck) return false;
  }
  if (in_window > 0) put(window.data, in_window);
  return made == size && taken == stored && stream->avail_in == 0;
}

}  // namespace kiln::io
