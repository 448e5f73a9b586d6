#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <kiln/io/source.h>

namespace kiln::io {

// Internal: a zip archive, read by its central directory (PKWARE's APPNOTE 6.3), with zip64; records are
// stored or deflated. The directory and every local header must agree; anything else about them that is
// ambiguous (two records of one name, overlapping records, encryption, several disks, names that leave the
// folder) is refused. Errors name file and record.
class ZipArchive {
 public:
  struct Record {
    std::string name;
    int64_t begin = 0;   // of the data, in the file
    int64_t stored = 0;  // bytes in the file
    int64_t size = 0;    // bytes of the content
    uint32_t crc = 0;    // 0: the writer did not compute it
    bool deflated = false;
  };

  // A source that is not mapped needs its file as long as the archive lives.
  ZipArchive(Source source, const LoadLimits& limits);

  // In the directory's order.
  const std::vector<Record>& records() const { return records_; }
  // Null when there is no record of that name.
  const Record* find(std::string_view name) const;

  // The content; `verify` compares it with its CRC-32. A part of a mapped file when it is stored, and
  // aligned.
  Ref<Storage> storage(const Record& record, int64_t alignment, bool verify) const;
  std::string text(const Record& record, bool verify) const;
  // "load: 'x.pth', record 'x/data.pkl'"
  std::string where(const Record& record) const;

 private:
  struct Directory {
    int64_t begin = 0, bytes = 0, count = 0;
  };
  Directory find_directory(int64_t limit) const;
  void check_growth(const LoadLimits& limits) const;
  void read_records(const Directory& directory);
  int64_t read_record(std::string_view entry, const Directory& directory);
  void find_data(Record& record, int64_t local, int method, int flags, const Directory& directory);
  void check_names_and_ranges();
  void inflate(const Record& record, void* out) const;
  void check_crc(const Record& record, uint32_t crc) const;

  Source source_;
  std::vector<Record> records_;
  std::vector<int64_t> headers_;  // where each record's local header begins
  std::unordered_map<std::string_view, size_t> index_;
  std::string local_name_;  // memory to read names into
};

}  // namespace kiln::io
