#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/outline.h>
#include <kiln/tensor/cpu/allocator.h>

namespace kiln::io {

// Internal: a checksum that grows with the bytes, by crc32 or crc32c.
struct Checksum {
  uint32_t (*add)(const void* data, size_t size, uint32_t before);
  uint32_t value = 0;
};

// Internal: bytes to read a format from: a file, by positioned reads or through a mapping of it, or memory
// (a file within a file). For one thread at a time, but copies are for others. What `storage` gives outlives
// it.
class Source {
 public:
  // The file is mapped with options.map, and then storages are views of it, or when `map` is set: view()
  // needs it. For an outline, where options.map must be set, `file` may go before the source.
  Source(const InputFile& file, const ReadOptions& options, bool map = false);
  // `memory` must outlive the source.
  Source(std::string_view memory, std::string name);

  // For storage() of such elements, whose bytes may have to be corrected where they lie; `untyped`: of
  // elements of any type.
  int64_t alignment_for(DType dtype, bool untyped = false) const;
  // How errors begin: "load: 'x.pth'".
  const std::string& name() const { return name_; }
  // Of the file; "" of memory.
  const std::string& path() const { return path_; }
  int64_t size() const { return size_; }
  // Where it begins in the file; others' places count from there.
  int64_t begin() const { return begin_; }
  // A part of a mapped file or memory, which is a file of its own. Errors begin with `name`.
  Source part(int64_t begin, int64_t bytes, std::string name) const;

  // Each throws when the range is not wholly there.
  void read(int64_t begin, int64_t bytes, void* out) const;
  std::string read(int64_t begin, int64_t bytes) const;
  // The same of a few bytes on the way to what lies behind: others that follow are not read ahead for it.
  void peek(int64_t begin, int64_t bytes, void* out) const;
  // Of a mapped file or memory only; lives as long as the source.
  std::string_view view(int64_t begin, int64_t bytes) const;
  // Data: a private view of the mapping where there is one to share and `begin` is a multiple of `alignment`,
  // else a copy. All of it goes into the checksum, where there is one. Tells how far the loading is.
  Ref<Storage> storage(int64_t begin, int64_t bytes, int64_t alignment, Checksum* checksum = nullptr) const;
  // The same, into the caller's memory.
  void read_data(int64_t begin, int64_t bytes, void* out, Checksum* checksum = nullptr) const;
  // What lies there is not looked at again soon.
  void leave(int64_t begin, int64_t bytes) const;
  // Data that the caller reads itself.
  void advance(int64_t bytes) const;

  // What `read` gives; in an outline a placeholder of that size, and `read` is called when its data are asked
  // for. It must hold what it needs by value.
  template <class F>
  Ref<Storage> later(int64_t bytes, F&& read, Outline::From from = Outline::From::others) const {
    return outline_ != nullptr ? outline_->add(bytes, std::forward<F>(read), from) : read();
  }
  Ref<Storage> storage_later(int64_t begin, int64_t bytes, int64_t alignment) const;
  // A part of a storage, which may be a placeholder.
  Ref<Storage> part_later(const Ref<Storage>& whole, int64_t begin, int64_t bytes) const;
  // No data are read now.
  bool is_outline() const { return outline_ != nullptr; }

 private:
  struct Progress {
    std::mutex mutex;
    Function<void(int64_t, int64_t)> report;
    int64_t done = 0;
    bool stopped = false;  // it threw
  };

  void check(int64_t begin, int64_t bytes) const;
  bool read_by_window(int64_t begin, int64_t bytes, void* out) const;

  const InputFile* file_ = nullptr;
  bool shares_ = false, read_only_ = false;
  Outline* outline_ = nullptr;
  std::shared_ptr<Progress> progress_;  // of all copies together; null where nobody asks
  Ref<Storage> mapping_;
  std::string_view memory_;
  std::string name_, path_;
  int64_t size_ = 0, begin_ = 0;
  // The part of the file that was read ahead, and where the last small read ended.
  mutable host::Vector<char> window_;
  mutable int64_t window_begin_ = 0, last_end_ = 0;
};

// A part of storage that is kept alive by the result.
Ref<Storage> part_of(const Ref<Storage>& whole, int64_t begin, int64_t bytes);

}  // namespace kiln::io
