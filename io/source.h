#pragma once

#include <string>
#include <string_view>

#include <kiln/io/file.h>

namespace kiln::io {

// Internal: bytes to read a format from: a file, by positioned reads or through a mapping of it, or memory
// (a file within a file). For one thread at a time. Not copied; what `storage` gives outlives it.
class Source {
 public:
  // `share`: storages are views of the mapping.
  Source(const InputFile& file, bool map, bool share);
  // `memory` must outlive the source.
  Source(std::string_view memory, std::string name);

  // How errors begin: "load: 'x.pth'".
  const std::string& name() const { return name_; }
  int64_t size() const { return size_; }

  // Each throws when the range is not wholly there.
  void read(int64_t begin, int64_t bytes, void* out) const;
  std::string read(int64_t begin, int64_t bytes) const;
  // Of a mapped file or memory only; lives as long as the source.
  std::string_view view(int64_t begin, int64_t bytes) const;
  // A private view of the mapping where there is one to share and `begin` is a multiple of `alignment`, else
  // a copy. `checksum` (may be null) is set to the bytes' CRC-32.
  Ref<Storage> storage(int64_t begin, int64_t bytes, int64_t alignment, uint32_t* checksum = nullptr) const;

 private:
  void check(int64_t begin, int64_t bytes) const;
  bool read_ahead(int64_t begin, int64_t bytes, void* out) const;

  const InputFile* file_ = nullptr;
  Ref<Storage> mapping_;
  bool share_ = false;
  std::string_view memory_;
  std::string name_;
  int64_t size_ = 0;
  // The part of the file that was read ahead, and where the last small read ended.
  mutable std::string window_;
  mutable int64_t window_begin_ = 0, last_end_ = 0;
};

// A part of storage that is kept alive by the result.
Ref<Storage> part_of(const Ref<Storage>& whole, int64_t begin, int64_t bytes);

}  // namespace kiln::io
