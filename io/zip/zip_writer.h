#pragma once

#include <string>
#include <vector>

#include <kiln/io/bytes/file.h>

// Internal.

namespace kiln::io {

// Throws when an archive of so many records would not be read again (LoadLimits).
void check_record_count(const std::string& path, int64_t records);

// Writes a zip archive (APPNOTE 6.3.10) of stored records, whose bytes begin at multiples of 64 and whose
// sizes and checksums stand in the local headers too. Beyond 4 GiB it is zip64. The file is atomic:
// AtomicFile.
class ZipWriter {
 public:
  // `expected_bytes` of content are reserved.
  ZipWriter(std::string path, int64_t expected_bytes);

  // A record of `bytes` bytes, which write() then gives in pieces.
  void begin(std::string name, int64_t bytes);
  void write(const void* data, int64_t bytes);
  void end();
  void record(std::string name, std::string_view content);

  // Checksums of all names and of all contents so far.
  uint32_t names_checksum() const;
  uint32_t contents_checksum() const;

  // Writes the directory; the file is there afterwards.
  void commit();

 private:
  struct Entry {
    std::string name;
    int64_t begin = 0, bytes = 0;
    uint32_t checksum = 0;
  };
  void put(const std::string& bytes);

  AtomicFile file_;
  std::string path_;
  std::vector<Entry> entries_;
  int64_t at_ = 0, data_begin_ = 0;
};

}  // namespace kiln::io
