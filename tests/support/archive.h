#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kiln::test {

// One record of a zip archive, and in what it differs from a good one.
struct Record {
  std::string name;
  std::string content;  // as stored
  int method = 0;
  int flags = 0, local_flags = 0;
  int64_t size = -1;        // that the directory tells; -1: the content's
  int64_t local_size = -1;  // that the header tells
  uint32_t checksum = 0;    // 0: none
  std::string local_name;   // "": the same
  std::string extra;        // of the directory
  std::string local_extra;  // of the header
  std::string comment;
  int64_t offset_shift = 0;  // of the header's place in the directory
};

// A zip archive in memory (APPNOTE 4.3), without checksums: small, and as wrong as its records are.
class Archive {
 public:
  Archive& add(Record record);
  Archive& add(std::string name, std::string content) {
    return add(Record{.name = std::move(name), .content = std::move(content)});
  }
  // Bytes behind the last record.
  Archive& raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  std::string finish(const std::string& comment = "") const;

 private:
  std::string bytes_, directory_;
  uint64_t count_ = 0;
};

}  // namespace kiln::test
