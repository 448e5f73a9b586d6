#pragma once

#include <atomic>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kiln/io/bytes/read_ahead.h>
#include <kiln/io/bytes/source.h>

// Internal.

namespace kiln::io {

// A size of zip that stands in its zip64 field; flags of encrypted records.
inline constexpr uint32_t kZipFull32 = 0xFFFFFFFF;
inline constexpr int kZipEncrypted = 1 | 1 << 6 | 1 << 13;

// A size of 32 bits, or one of the zip64 field where it is full.
struct Zip64Sizes {
  std::string_view field;
  size_t at = 0;

  bool take(uint64_t* value);
};

// Whether a record may have that name: a path with '/' that stays in its folder, without '\\' and NUL.
bool is_plain_path(std::string_view name);

// Where one of zip's marks is; npos: nowhere.
size_t find_zip_mark(std::string_view text);

// A name for an error: not too long, in one line.
std::string shown_name(std::string_view name);

// Internal: a zip archive, read by its central directory (PKWARE's APPNOTE 6.3), with zip64; records are
// stored or deflated. The directory and every local header must agree; anything else about them that is
// ambiguous (two records of one name, overlapping records, encryption, several disks, names that leave the
// folder) is refused. So are bytes that belong to nothing: records begin at byte 0 and lie one behind the
// other, the directory and its end records behind them, and that is all. Errors name file and record.
class ZipArchive {
 public:
  struct Record {
    std::string_view name;  // lives as long as the archive
    int64_t begin = 0;      // of the data, in the file
    int64_t stored = 0;     // bytes in the file
    int64_t size = 0;       // bytes of the content
    uint32_t crc = 0;       // 0: the writer did not compute it
    bool deflated = false;
  };
  // What of the data is read before it is asked for: nothing, or all that is not deflated. That is much
  // faster than one record at a time, and in large files other threads do it meanwhile.
  enum class Read { nothing, data, verified_data };

  // A source that is not mapped needs its file as long as the archive lives.
  ZipArchive(Source source, const LoadLimits& limits, Read read = Read::nothing);

  // In the directory's order, without entries of folders, which hold nothing.
  std::span<const Record> records() const { return {records_.data(), files_}; }
  // Of the archive's comment, which is not looked at.
  int64_t comment_bytes() const { return comment_bytes_; }
  // Of comments and extra fields of records that are not looked at, as far as they were read: all after
  // finish().
  int64_t unknown_bytes() const { return unknown_bytes_; }
  // Null when there is no record of that name.
  const Record* find(std::string_view name) const;
  // The same, faster when it is the one behind `before`, which may be null.
  const Record* find_after(const Record* before, std::string_view name) const;

  // The content; `verify` compares it with its CRC-32. A part of a mapped file when it is stored, and
  // aligned.
  Ref<Storage> storage(const Record& record, int64_t alignment, bool verify) const;
  // The same for what is short, without waiting for what lies before it in the file.
  std::string text(const Record& record, bool verify) const;
  // The first bytes of the content, at most so many.
  std::string head(const Record& record, int64_t bytes) const;
  // Throws what is wrong with records that were not asked for: of verified data all are compared, deflated
  // ones too. Those of torch.save are stored, and were read before.
  void finish() const;
  // Compares the checksums of all records, read from their file once more and piece by piece.
  void check(const InputFile& file) const;
  // "load: 'x.pth', record 'x/data.pkl'"
  std::string where(const Record& record) const;

 private:
  struct Directory {
    int64_t begin = 0, bytes = 0, count = 0;
  };
  // What the directory tells of a record beside its Record.
  struct Header {
    int64_t begin = 0;  // of the local header, in the file
    int method = 0, flags = 0;
  };
  // Of a record, in the directory or before its data.
  struct Extra {
    std::string_view zip64;
    int64_t unknown = 0;  // bytes that are neither sizes, times, owners nor padding
  };
  struct Local {
    bool has_descriptor = false;  // behind the data, perhaps
    int64_t unknown = 0;
  };
  struct Ready {
    Ref<Storage> data;
    size_t part = 0;  // of ahead_
    bool was_inflated = false;
  };

  void index_names();
  void check_growth(const LoadLimits& limits) const;

  // zip_directory.cpp
  Directory find_directory(int64_t limit);
  int64_t read_zip64(int64_t end, Directory& directory) const;
  void read_directory(const Directory& directory);
  size_t read_entry(std::string_view entry, const Directory& directory, Record& record, Header& header);

  // zip_extra.cpp
  Extra read_extra(const Record& record, std::string_view extra) const;
  void check_second_name(const Record& record, std::string_view field) const;
  int64_t count_unknown(const Record& record, size_t id, std::string_view field) const;
  int64_t check_text(const Record& record, std::string_view text) const;

  // zip_data.cpp
  void read_headers();
  void read_part(const Source& source, size_t first, size_t last);
  Local read_header(const Source& source, const Header& header, Record& record) const;
  void check_behind(const Source& source, size_t place, bool has_descriptor) const;
  void inflate_all(const Record& record, void* out) const;
  [[noreturn]] void fail_to_inflate(const Record& record) const;
  void check_crc(const Record& record, uint32_t crc) const;

  Source source_;
  Ref<Storage> directory_;        // its text
  host::Vector<Record> records_;  // behind `files_` of them: folders
  host::Vector<Header> headers_;
  size_t files_ = 0;
  std::vector<uint32_t> index_;  // by the names' hashes: a record, counted from 1; 0: none
  Read read_;
  int64_t end_ = 0;  // of all data: the directory begins
  int64_t comment_bytes_ = 0;
  std::atomic<int64_t> unknown_bytes_ = 0;
  host::Vector<size_t> order_;         // of the records in the file
  mutable host::Vector<Ready> ready_;  // what was not asked for yet; empty: nothing is read ahead
  std::vector<Source> sources_;        // one a thread
  mutable std::unique_ptr<ReadAhead> ahead_;
};

}  // namespace kiln::io
