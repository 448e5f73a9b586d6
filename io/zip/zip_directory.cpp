#include <algorithm>

#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/zip/zip.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr int64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kEntryBytes = 46;
constexpr int64_t kEnd64Head = 12;  // bytes of a zip64 end record that its own size does not count
constexpr int64_t kMaxComment = 65535;
constexpr int64_t kMaxRatio = 1100;  // deflate's own limit is 1032
constexpr int kStored = 0, kDeflated = 8;

[[noreturn]] void fail_of_two(const Source& source, int64_t end, int64_t begin) {
  fail(
      "{} does not begin with its archive: the one that its end record at byte {} describes begins at byte "
      "{}; two files may have been laid end to end",
      source.name(), end, begin);
}

}  // namespace

ZipArchive::Directory ZipArchive::find_directory(int64_t limit) {
  const int64_t tail_begin = std::max<int64_t>(0, source_.size() - kEndBytes - kMaxComment);
  const std::string tail = source_.read(tail_begin, source_.size() - tail_begin);
  size_t at = tail.rfind("PK\5\6");
  while (at != tail.npos && (at + kEndBytes > tail.size() ||
                             from_little_endian(tail, at + 20, 2) + at + kEndBytes != tail.size()))
    at = at == 0 ? tail.npos : tail.rfind("PK\5\6", at - 1);
  if (at == tail.npos)
    fail("{} is a zip archive without its directory at the end; it was not written or downloaded to its end",
         source_.name());
  int64_t end = tail_begin + int64_t(at);
  // A text for people does no harm, and every program finds the same one. In it another program may look for
  // an archive.
  const std::string_view comment = std::string_view(tail).substr(at + kEndBytes);
  if (const size_t mark = find_zip_mark(comment); mark != comment.npos)
    fail("{} has a comment with a mark of zip in it, at byte {}", source_.name(),
         end + kEndBytes + int64_t(mark));
  comment_bytes_ = int64_t(comment.size());

  const uint64_t disks = from_little_endian(tail, at + 4, 2) | from_little_endian(tail, at + 6, 2),
                 count = from_little_endian(tail, at + 10, 2);
  if ((disks != 0 && disks != 0xFFFF) || from_little_endian(tail, at + 8, 2) != count)
    fail("{} is a zip archive of several disks", source_.name());
  Directory directory = {int64_t(from_little_endian(tail, at + 16, 4)),
                         int64_t(from_little_endian(tail, at + 12, 4)), int64_t(count)};
  if (end >= kLocatorBytes + kEnd64Bytes && source_.read(end - kLocatorBytes, 4) == "PK\6\7")
    end = read_zip64(end, directory);
  const auto [begin, bytes, entries] = directory;
  if (bytes >= kEntryBytes && bytes <= end && begin < end - bytes && source_.read(end - bytes, 4) == "PK\1\2")
    fail_of_two(source_, end, end - bytes - begin);
  if (begin > end || bytes != end - begin || entries > bytes / kEntryBytes)
    fail(
        "{} has a zip directory of {} entries in {} bytes at byte {}, which does not end at its end record "
        "at {}",
        source_.name(), entries, bytes, begin, end);
  if (entries > limit)
    fail("{} has {} records, the limit is {} (limits.records)", source_.name(), entries, limit);
  return directory;
}

// The zip64 end record stands right before its locator, and that before the end record at `end`, as every
// program writes it: some find it by the locator's number, others by its place. Gives where it begins.
int64_t ZipArchive::read_zip64(int64_t end, Directory& directory) const {
  const int64_t at = end - kLocatorBytes - kEnd64Bytes;
  const uint64_t told = from_little_endian(source_.read(end - kLocatorBytes + 8, 8), 0, 8);
  if (told < uint64_t(at) && source_.read(int64_t(told), 4) == "PK\6\6" &&
      from_little_endian(source_.read(int64_t(told) + 4, 8), 0, 8) + kEnd64Head ==
          uint64_t(end) - kLocatorBytes - told)
    fail("{} has a zip64 end record of {} bytes at byte {}, Kiln reads those of {}", source_.name(),
         end - kLocatorBytes - int64_t(told), told, kEnd64Bytes);
  const std::string record = source_.read(at, kEnd64Bytes);
  const uint64_t count = from_little_endian(record, 32, 8), bytes = from_little_endian(record, 40, 8),
                 begin = from_little_endian(record, 48, 8);
  const bool is_whole = record.starts_with("PK\6\6") &&
                        from_little_endian(record, 4, 8) + kEnd64Head == uint64_t(kEnd64Bytes) &&
                        from_little_endian(record, 16, 8) == 0;  // disks
  if (is_whole && told < uint64_t(at) && bytes <= uint64_t(at) && begin + bytes == told)
    fail_of_two(source_, end, at - int64_t(told));
  if (!is_whole || told != uint64_t(at))
    fail("{} has a damaged zip64 end record at byte {}, its locator says {}", source_.name(), at, told);
  const auto agrees = [](int64_t value, uint64_t full, uint64_t value64) {
    return uint64_t(value) == full || uint64_t(value) == value64;
  };
  if (!agrees(directory.count, 0xFFFF, count) || !agrees(directory.bytes, kZipFull32, bytes) ||
      !agrees(directory.begin, kZipFull32, begin) || from_little_endian(record, 24, 8) != count)
    fail("{} has two zip end records that disagree, at bytes {} and {}", source_.name(), at, end);
  if (begin > uint64_t(at) || bytes > uint64_t(at) || count > uint64_t(at))
    fail(
        "{} has a zip directory of {} entries in {} bytes at byte {}, which does not end at its end record "
        "at {}",
        source_.name(), count, bytes, begin, at);
  directory = {int64_t(begin), int64_t(bytes), int64_t(count)};
  return at;
}

void ZipArchive::read_directory(const Directory& directory) {
  directory_ = Storage::allocate(directory.bytes, cpu);
  source_.read(directory.begin, directory.bytes, directory_->data);
  const std::string_view text(static_cast<const char*>(directory_->data), size_t(directory.bytes));
  records_.reserve(size_t(directory.count));
  headers_.reserve(size_t(directory.count));
  host::Vector<Record> folders;
  host::Vector<Header> folder_headers;
  std::string_view rest = text;
  for (int64_t i = 0; i < directory.count; ++i) {
    if (rest.size() < size_t(kEntryBytes) || !rest.starts_with("PK\1\2"))
      fail("{} has a damaged zip directory: entry {}", source_.name(), i);
    Record record;
    Header header;
    rest.remove_prefix(read_entry(rest, directory, record, header));
    // `zip -r` writes them, torch.load passes over them.
    const bool is_folder = record.name.ends_with('/');
    if (is_folder && (record.size != 0 || record.stored != 0))
      fail("{} is a folder with {} bytes", where(record), std::max(record.size, record.stored));
    (is_folder ? folders : records_).push_back(record);
    (is_folder ? folder_headers : headers_).push_back(header);
  }
  if (!rest.empty()) fail("{} has {} bytes too many in its zip directory", source_.name(), rest.size());
  files_ = records_.size();
  records_.insert(records_.end(), folders.begin(), folders.end());
  headers_.insert(headers_.end(), folder_headers.begin(), folder_headers.end());
}

size_t ZipArchive::read_entry(std::string_view entry, const Directory& directory, Record& record,
                              Header& header) {
  const size_t name_bytes = from_little_endian(entry, 28, 2), extra_bytes = from_little_endian(entry, 30, 2),
               comment_bytes = from_little_endian(entry, 32, 2),
               all = size_t(kEntryBytes) + name_bytes + extra_bytes + comment_bytes;
  if (entry.size() < all)
    fail("{} has a damaged zip directory: an entry is cut off at byte {}", source_.name(),
         directory.begin + directory.bytes);
  record.name = entry.substr(size_t(kEntryBytes), name_bytes);
  record.crc = uint32_t(from_little_endian(entry, 16, 4));
  uint64_t stored = from_little_endian(entry, 20, 4), size = from_little_endian(entry, 24, 4),
           local = from_little_endian(entry, 42, 4);
  const Extra extra = read_extra(record, entry.substr(size_t(kEntryBytes) + name_bytes, extra_bytes));
  unknown_bytes_ += extra.unknown + check_text(record, entry.substr(all - comment_bytes, comment_bytes));
  Zip64Sizes sizes = {extra.zip64};
  if (!sizes.take(&size) || !sizes.take(&stored) || !sizes.take(&local))
    fail("{} lacks its zip64 sizes", where(record));
  header.flags = int(from_little_endian(entry, 8, 2)), header.method = int(from_little_endian(entry, 10, 2));
  if ((header.flags & kZipEncrypted) != 0) fail("{} is encrypted", where(record));
  if (header.method != kStored && header.method != kDeflated)
    fail("{} is compressed by method {}; Kiln reads stored (0) and deflated (8)", where(record),
         header.method);
  if (from_little_endian(entry, 34, 2) != 0) fail("{} is on another disk", where(record));
  record.deflated = header.method == kDeflated;
  if (stored > uint64_t(directory.begin) || local > uint64_t(directory.begin))
    fail("{} reaches beyond the file: {} bytes at byte {}", where(record), stored, local);
  if (!record.deflated && stored != size)
    fail("{} is stored in {} bytes but has {}", where(record), stored, size);
  if (record.deflated && size > uint64_t(kMaxRatio) * (stored + 1))
    fail("{} claims {} bytes in {} deflated ones, more than deflate can hold", where(record), size, stored);
  record.stored = int64_t(stored), record.size = int64_t(size), header.begin = int64_t(local);
  return all;
}

}  // namespace kiln::io
