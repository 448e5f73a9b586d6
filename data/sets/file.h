#pragma once

// Internal.

#include <cstdint>
#include <string>

namespace kiln::data {

// A file read from front to back, decompressed on the way when it is gzip. All failures are Errors that name
// it.
class FileReader {
 public:
  explicit FileReader(std::string path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  const std::string& path() const { return path_; }
  // Exactly so many bytes; `what` names them in the Error of a file that ends before.
  void read(void* to, int64_t bytes, const char* what);
  // Throws when more bytes follow. Reaching the end checks the checksum of a gzip file.
  void expect_end();
  // More bytes than the whole content can have, so that a size that a damaged file claims is refused before
  // memory is asked for it.
  int64_t most_bytes() const;

 private:
  int64_t read_some(void* to, int64_t bytes);

  std::string path_;
  void* file_ = nullptr;
  int64_t file_bytes_ = 0;
  int64_t position_ = 0;
};

bool file_exists(const std::string& path);
std::string join_path(const std::string& folder, const std::string& name);

}  // namespace kiln::data
