#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/storage.h>

// Internal.

namespace kiln::io {

// What the system refused; nothing is known of the file's content.
class SystemError : public Error {
 public:
  SystemError(const std::string& message, int error) : Error(message), code(error, std::generic_category()) {}
  std::error_code code;
};

// A regular file, read at positions. Every failure is an Error that names the file and the system's reason.
class InputFile {
 public:
  explicit InputFile(std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  // When it was opened; what lies behind is never looked at.
  int64_t size() const { return size_; }

  // Exactly that range; throws when the file has become shorter.
  void read(int64_t begin, int64_t bytes, void* out) const;
  std::string read(int64_t begin, int64_t bytes) const;
  // The same, piece by piece, only to see that it can be read.
  void read_through(int64_t begin, int64_t bytes) const;

  // The whole file as private memory: a write changes the memory only, never the file. The mapping outlives
  // this object. Null for an empty file. Not `writable`, it takes nothing of what a process may have of
  // memory, and who writes is ended by the system.
  Ref<Storage> map(bool writable = true) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

// Whether it is of a mapping that nobody may write to, or a part of one.
bool is_mapped_to_read(const Storage& storage);
// Its pages, which take no more memory until they are looked at again: what goes through a large file leaves
// behind it only what it needs.
void leave(const void* data, int64_t bytes);

// A file that appears whole or not at all: bytes go to a temporary file in the same folder, commit() syncs
// it, renames it over `path` and syncs the folder. Without commit(), or when that fails, the temporary file
// is removed and the previous file is as it was. Temporary files of writers that were killed are removed by
// the next writer of the same path. Every failure is an Error that names the file and the system's reason.
class AtomicFile {
 public:
  // `expected_bytes` are reserved, so that a full disk is noticed at once.
  AtomicFile(std::string path, int64_t expected_bytes);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(int64_t begin, const void* data, int64_t bytes);
  void commit();
  // The first part of commit(), which then syncs the folder: the previous file is as it was when this throws.
  // When the folder cannot be synced the new one is in its place, but may not outlast a power failure.
  void replace();

 private:
  [[noreturn]] void fail_with(const char* action, int error);
  void create();
  void discard();

  std::string shown_path_;  // as the caller wrote it
  std::string path_;        // with links followed
  std::string temporary_;
  int descriptor_ = -1;
};

// A file of these bytes by AtomicFile.
void write_text(const std::string& path, std::string_view text);

}  // namespace kiln::io
