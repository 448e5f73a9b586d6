#include <kiln/io/zip/zip.h>

#include <algorithm>
#include <bit>
#include <functional>

#include <kiln/io/bytes/little_endian.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr int64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kEntryBytes = 46;
constexpr int64_t kMaxComment = 65535;
constexpr int64_t kMaxRatio = 1100;  // deflate's own limit is 1032
constexpr int64_t kSmall = 1 << 20;  // bytes that need no ratio
constexpr int kStored = 0, kDeflated = 8;

// A value of 32 bits, or of the zip64 field when it is full there.
struct Extended {
  std::string_view field;
  size_t at = 0;

  bool take(uint64_t* value) {
    if (*value != kZipFull32) return true;
    if (field.size() < at + 8) return false;
    *value = from_little_endian(field, at, 8);
    at += 8;
    return *value <= uint64_t(INT64_MAX);
  }
};

std::string_view zip64_field(std::string_view extra) {
  for (size_t at = 0; at + 4 <= extra.size();) {
    const size_t id = from_little_endian(extra, at, 2), bytes = from_little_endian(extra, at + 2, 2);
    if (id == 1) return extra.substr(at + 4, bytes);
    at += 4 + bytes;
  }
  return {};
}

}  // namespace

bool is_plain_path(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.back() == '/') return false;
  if (name.find('\\') != name.npos || name.find('\0') != name.npos) return false;
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part == ".." || part == "." || part.empty()) return false;
    at = end + 1;
  }
  return true;
}

ZipArchive::ZipArchive(Source source, const LoadLimits& limits, Read read)
    : source_(std::move(source)), read_(read) {
  const Directory directory = find_directory(limits.records);
  read_directory(directory);
  index_names();
  check_growth(limits);
  end_ = directory.begin;
  read_headers();
}

void ZipArchive::check_growth(const LoadLimits& limits) const {
  const int64_t most = std::max(limits.inflated_bytes, 2 * source_.size());
  int64_t all = 0;
  for (const Record& record : records_) {
    if (!record.deflated) continue;
    if (record.size > kSmall && record.size / limits.inflate_ratio > record.stored)
      fail("{} has {} bytes in {} deflated ones, the limit is {} times as many (limits.inflate_ratio)",
           where(record), record.size, record.stored, limits.inflate_ratio);
    if (record.size > most - all)
      fail("{} and the deflated records before it have more than {} bytes (limits.inflated_bytes)",
           where(record), most);
    all += record.size;
  }
}

std::string ZipArchive::where(const Record& record) const {
  constexpr size_t kShown = 200;  // a name may have 65535 bytes, of any kind
  std::string name(record.name.substr(0, kShown));
  std::ranges::replace_if(
      name, [](unsigned char c) { return c < ' '; }, '?');
  return fmt::format("{}, record '{}'", source_.name(), name);
}

const ZipArchive::Record* ZipArchive::find(std::string_view name) const {
  const size_t mask = index_.size() - 1;
  for (size_t slot = std::hash<std::string_view>()(name) & mask; index_[slot] != 0; slot = (slot + 1) & mask)
    if (const Record& record = records_[index_[slot] - 1]; record.name == name) return &record;
  return nullptr;
}

const ZipArchive::Record* ZipArchive::find_after(const Record* before, std::string_view name) const {
  if (before == nullptr || before == &records_.back() || before[1].name != name) return find(name);
  return before + 1;
}

ZipArchive::Directory ZipArchive::find_directory(int64_t limit) const {
  const int64_t tail_begin = std::max<int64_t>(0, source_.size() - kEndBytes - kMaxComment);
  const std::string tail = source_.read(tail_begin, source_.size() - tail_begin);
  size_t at = tail.rfind("PK\5\6");
  while (at != tail.npos && (at + kEndBytes > tail.size() ||
                             from_little_endian(tail, at + 20, 2) + at + kEndBytes != tail.size()))
    at = at == 0 ? tail.npos : tail.rfind("PK\5\6", at - 1);
  if (at == tail.npos)
    fail("{} is a zip archive without its directory at the end; it was not written or downloaded to its end",
         source_.name());
  const uint64_t disks = from_little_endian(tail, at + 4, 2) | from_little_endian(tail, at + 6, 2),
                 here = from_little_endian(tail, at + 8, 2);
  uint64_t count = from_little_endian(tail, at + 10, 2), bytes = from_little_endian(tail, at + 12, 4),
           begin = from_little_endian(tail, at + 16, 4);
  if ((disks != 0 && disks != 0xFFFF) || here != count)
    fail("{} is a zip archive of several disks", source_.name());
  int64_t end = tail_begin + int64_t(at);

  if (end >= kLocatorBytes + kEnd64Bytes && source_.read(end - kLocatorBytes, 4) == "PK\6\7") {
    const uint64_t end64 = from_little_endian(source_.read(end - kLocatorBytes + 8, 8), 0, 8);
    if (end64 > uint64_t(end - kLocatorBytes - kEnd64Bytes) || source_.read(int64_t(end64), 4) != "PK\6\6")
      fail("{} has a damaged zip64 end record at byte {}", source_.name(), end64);
    const std::string record = source_.read(int64_t(end64), kEnd64Bytes);
    const uint64_t count64 = from_little_endian(record, 32, 8), bytes64 = from_little_endian(record, 40, 8),
                   begin64 = from_little_endian(record, 48, 8);
    const bool agree = (count == 0xFFFF || count == count64) && (bytes == kZipFull32 || bytes == bytes64) &&
                       (begin == kZipFull32 || begin == begin64) &&
                       from_little_endian(record, 24, 8) == count64;
    if (!agree)
      fail("{} has two zip end records that disagree, at bytes {} and {}", source_.name(), end64, end);
    count = count64, bytes = bytes64, begin = begin64;
    end = int64_t(end64);
  }
  if (begin > uint64_t(end) || bytes != uint64_t(end) - begin || count > bytes / kEntryBytes)
    fail(
        "{} has a zip directory of {} entries in {} bytes at byte {}, which does not end at its end record "
        "at {}",
        source_.name(), count, bytes, begin, end);
  if (count > uint64_t(limit))
    fail("{} has {} records, the limit is {} (limits.records)", source_.name(), count, limit);
  return {int64_t(begin), int64_t(bytes), int64_t(count)};
}

void ZipArchive::read_directory(const Directory& directory) {
  directory_ = Storage::allocate(directory.bytes, cpu);
  source_.read(directory.begin, directory.bytes, directory_->data);
  const std::string_view text(static_cast<const char*>(directory_->data), size_t(directory.bytes));
  records_.reserve(size_t(directory.count));
  headers_.reserve(size_t(directory.count));
  std::string_view rest = text;
  for (int64_t i = 0; i < directory.count; ++i) rest.remove_prefix(read_entry(rest, directory));
  if (!rest.empty()) fail("{} has {} bytes too many in its zip directory", source_.name(), rest.size());
}

size_t ZipArchive::read_entry(std::string_view entry, const Directory& directory) {
  const size_t i = records_.size();
  if (entry.size() < size_t(kEntryBytes) || !entry.starts_with("PK\1\2"))
    fail("{} has a damaged zip directory: entry {}", source_.name(), i);
  const size_t name_bytes = from_little_endian(entry, 28, 2), extra_bytes = from_little_endian(entry, 30, 2),
               comment_bytes = from_little_endian(entry, 32, 2),
               all = size_t(kEntryBytes) + name_bytes + extra_bytes + comment_bytes;
  if (entry.size() < all) fail("{} has a damaged zip directory: entry {} is cut off", source_.name(), i);
  Record record = {.name = entry.substr(size_t(kEntryBytes), name_bytes)};
  record.crc = uint32_t(from_little_endian(entry, 16, 4));
  uint64_t stored = from_little_endian(entry, 20, 4), size = from_little_endian(entry, 24, 4),
           local = from_little_endian(entry, 42, 4);
  Extended extended = {zip64_field(entry.substr(size_t(kEntryBytes) + name_bytes, extra_bytes))};
  if (!extended.take(&size) || !extended.take(&stored) || !extended.take(&local))
    fail("{} lacks its zip64 sizes", where(record));
  const int flags = int(from_little_endian(entry, 8, 2)), method = int(from_little_endian(entry, 10, 2));
  if ((flags & kZipEncrypted) != 0) fail("{} is encrypted", where(record));
  if (method != kStored && method != kDeflated)
    fail("{} is compressed by method {}; Kiln reads stored (0) and deflated (8)", where(record), method);
  if (from_little_endian(entry, 34, 2) != 0) fail("{} is on another disk", where(record));
  record.deflated = method == kDeflated;
  if (stored > uint64_t(directory.begin) || local > uint64_t(directory.begin))
    fail("{} reaches beyond the file: {} bytes at byte {}", where(record), stored, local);
  if (!record.deflated && stored != size)
    fail("{} is stored in {} bytes but has {}", where(record), stored, size);
  if (record.deflated && size > uint64_t(kMaxRatio) * (stored + 1))
    fail("{} claims {} bytes in {} deflated ones, more than deflate can hold", where(record), size, stored);
  record.stored = int64_t(stored), record.size = int64_t(size);
  headers_.push_back({int64_t(local), method, flags});
  records_.push_back(record);
  return all;
}

void ZipArchive::index_names() {
  index_.resize(std::bit_ceil(2 * records_.size() + 1));
  const size_t mask = index_.size() - 1;
  for (size_t i = 0; i < records_.size(); ++i) {
    const std::string_view name = records_[i].name;
    if (!is_plain_path(name)) fail("{} has a name that is not a plain path", where(records_[i]));
    size_t slot = std::hash<std::string_view>()(name) & mask;
    for (; index_[slot] != 0; slot = (slot + 1) & mask)
      if (records_[index_[slot] - 1].name == name) fail("{} is there twice", where(records_[i]));
    index_[slot] = uint32_t(i + 1);
  }
}

}  // namespace kiln::io
