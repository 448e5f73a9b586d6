#include <algorithm>
#include <vector>

#include <kiln/io/bytes/crc32.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/zip/inflate.h>
#include <kiln/io/zip/zip.h>

namespace kiln::io {

void ZipArchive::check(const InputFile& file) const {
  constexpr int64_t kPiece = 256 << 10;
  std::vector<char> piece(static_cast<size_t>(kPiece));
  for (const size_t i : order_) {
    const Record& record = records_[i];
    const int64_t begin = source_.begin() + record.begin;
    uint32_t crc = 0;
    if (record.deflated) {
      const auto read = [&](int64_t at, int64_t bytes, void* out) { file.read(begin + at, bytes, out); };
      const auto put = [&](const char* data, int64_t bytes) {
        crc = crc32(data, size_t(bytes), crc);
        return true;
      };
      if (!inflate(record.stored, record.size, {piece.data(), kPiece}, read, put)) fail_to_inflate(record);
    } else {
      for (int64_t at = 0; at < record.size; at += kPiece) {
        const int64_t bytes = std::min(kPiece, record.size - at);
        file.read(begin + at, bytes, piece.data());
        crc = crc32(piece.data(), size_t(bytes), crc);
      }
    }
    check_crc(record, crc);
  }
}

}  // namespace kiln::io
