#include <kiln/io/zip.h>

#include <zlib.h>

#include <algorithm>

#include <kiln/io/crc32.h>
#include <kiln/tensor/fail.h>

namespace kiln::io {
namespace {

constexpr int64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kEntryBytes = 46, kLocalBytes = 30;
constexpr int64_t kMaxComment = 65535;
constexpr int64_t kMaxRatio = 1100;  // deflate's own limit is 1032
constexpr int64_t kSmall = 1 << 20;  // bytes that need no ratio
constexpr uint32_t kFull32 = 0xFFFFFFFF;
constexpr int kStored = 0, kDeflated = 8;
constexpr int kEncrypted = 1 | 1 << 6 | 1 << 13, kDescriptor = 1 << 3;

uint64_t number(std::string_view bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;) value = value << 8 | uint8_t(bytes[at + i]);
  return value;
}

bool is_safe_name(std::string_view name) {
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

// A value of 32 bits, or of the zip64 field when it is full there.
struct Extended {
  std::string_view field;
  size_t at = 0;

  bool take(uint64_t* value) {
    if (*value != kFull32) return true;
    if (field.size() < at + 8) return false;
    *value = number(field, at, 8);
    at += 8;
    return *value <= uint64_t(INT64_MAX);
  }
};

std::string_view zip64_field(std::string_view extra) {
  for (size_t at = 0; at + 4 <= extra.size();) {
    const size_t id = number(extra, at, 2), bytes = number(extra, at + 2, 2);
    if (id == 1) return extra.substr(at + 4, bytes);
    at += 4 + bytes;
  }
  return {};
}

}  // namespace

ZipArchive::ZipArchive(Source source, const LoadLimits& limits) : source_(std::move(source)) {
  const Directory directory = find_directory(limits.records);
  read_records(directory);
  check_names_and_ranges();
  check_growth(limits);
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
  std::string name = record.name.substr(0, kShown);
  std::ranges::replace_if(
      name, [](unsigned char c) { return c < ' '; }, '?');
  return fmt::format("{}, record '{}'", source_.name(), name);
}

const ZipArchive::Record* ZipArchive::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &records_[found->second];
}

ZipArchive::Directory ZipArchive::find_directory(int64_t limit) const {
  const int64_t tail_begin = std::max<int64_t>(0, source_.size() - kEndBytes - kMaxComment);
  const std::string tail = source_.read(tail_begin, source_.size() - tail_begin);
  size_t at = tail.rfind("PK\5\6");
  while (at != tail.npos &&
         (at + kEndBytes > tail.size() || number(tail, at + 20, 2) + at + kEndBytes != tail.size()))
    at = at == 0 ? tail.npos : tail.rfind("PK\5\6", at - 1);
  if (at == tail.npos)
    fail("{} is a zip archive without its directory at the end; it was not written or downloaded to its end",
         source_.name());
  const uint64_t disks = number(tail, at + 4, 2) | number(tail, at + 6, 2), here = number(tail, at + 8, 2);
  uint64_t count = number(tail, at + 10, 2), bytes = number(tail, at + 12, 4),
           begin = number(tail, at + 16, 4);
  if ((disks != 0 && disks != 0xFFFF) || here != count)
    fail("{} is a zip archive of several disks", source_.name());
  int64_t end = tail_begin + int64_t(at);

  if (end >= kLocatorBytes + kEnd64Bytes && source_.read(end - kLocatorBytes, 4) == "PK\6\7") {
    const uint64_t end64 = number(source_.read(end - kLocatorBytes + 8, 8), 0, 8);
    if (end64 > uint64_t(end - kLocatorBytes - kEnd64Bytes) || source_.read(int64_t(end64), 4) != "PK\6\6")
      fail("{} has a damaged zip64 end record at byte {}", source_.name(), end64);
    const std::string record = source_.read(int64_t(end64), kEnd64Bytes);
    const uint64_t count64 = number(record, 32, 8), bytes64 = number(record, 40, 8),
                   begin64 = number(record, 48, 8);
    const bool agree = (count == 0xFFFF || count == count64) && (bytes == kFull32 || bytes == bytes64) &&
                       (begin == kFull32 || begin == begin64) && number(record, 24, 8) == count64;
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

void ZipArchive::read_records(const Directory& directory) {
  const std::string text = source_.read(directory.begin, directory.bytes);
  records_.reserve(size_t(directory.count));
  headers_.reserve(size_t(directory.count));
  std::string_view rest = text;
  for (int64_t i = 0; i < directory.count; ++i) rest.remove_prefix(size_t(read_record(rest, directory)));
  if (!rest.empty()) fail("{} has {} bytes too many in its zip directory", source_.name(), rest.size());
}

int64_t ZipArchive::read_record(std::string_view entry, const Directory& directory) {
  const size_t i = records_.size();
  if (entry.size() < size_t(kEntryBytes) || !entry.starts_with("PK\1\2"))
    fail("{} has a damaged zip directory: entry {}", source_.name(), i);
  const size_t name_bytes = number(entry, 28, 2), extra_bytes = number(entry, 30, 2),
               comment_bytes = number(entry, 32, 2),
               all = size_t(kEntryBytes) + name_bytes + extra_bytes + comment_bytes;
  if (entry.size() < all) fail("{} has a damaged zip directory: entry {} is cut off", source_.name(), i);
  Record record = {.name = std::string(entry.substr(size_t(kEntryBytes), name_bytes))};
  record.crc = uint32_t(number(entry, 16, 4));
  uint64_t stored = number(entry, 20, 4), size = number(entry, 24, 4), local = number(entry, 42, 4);
  Extended extended = {zip64_field(entry.substr(size_t(kEntryBytes) + name_bytes, extra_bytes))};
  if (!extended.take(&size) || !extended.take(&stored) || !extended.take(&local))
    fail("{} lacks its zip64 sizes", where(record));
  const int flags = int(number(entry, 8, 2)), method = int(number(entry, 10, 2));
  if ((flags & kEncrypted) != 0) fail("{} is encrypted", where(record));
  if (method != kStored && method != kDeflated)
    fail("{} is compressed by method {}; Kiln reads stored (0) and deflated (8)", where(record), method);
  if (number(entry, 34, 2) != 0) fail("{} is on another disk", where(record));
  record.deflated = method == kDeflated;
  if (stored > uint64_t(directory.begin) || local > uint64_t(directory.begin))
    fail("{} reaches beyond the file: {} bytes at byte {}", where(record), stored, local);
  if (!record.deflated && stored != size)
    fail("{} is stored in {} bytes but has {}", where(record), stored, size);
  if (record.deflated && size > uint64_t(kMaxRatio) * (stored + 1))
    fail("{} claims {} bytes in {} deflated ones, more than deflate can hold", where(record), size, stored);
  record.stored = int64_t(stored), record.size = int64_t(size);
  find_data(record, int64_t(local), method, flags, directory);
  headers_.push_back(int64_t(local));
  records_.push_back(std::move(record));
  return int64_t(all);
}

void ZipArchive::find_data(Record& record, int64_t local, int method, int flags, const Directory& directory) {
  if (local + kLocalBytes > directory.begin) fail("{} begins inside of the directory", where(record));
  char bytes[kLocalBytes];
  source_.read(local, kLocalBytes, bytes);
  const std::string_view head(bytes, sizeof bytes);
  const size_t name_bytes = number(head, 26, 2), extra_bytes = number(head, 28, 2);
  if (!head.starts_with("PK\3\4")) fail("{} has no header at byte {}", where(record), local);
  record.begin = local + kLocalBytes + int64_t(name_bytes + extra_bytes);
  if (record.begin > directory.begin || record.stored > directory.begin - record.begin)
    fail("{} reaches beyond the data of the file: {} bytes at byte {}", where(record), record.stored,
         record.begin);
  const int local_flags = int(number(head, 6, 2));
  const bool deferred = (local_flags & kDescriptor) != 0;
  const uint64_t stored = number(head, 18, 4), size = number(head, 22, 4), crc = number(head, 14, 4);
  const auto same = [&](uint64_t local_value, int64_t value) {
    return local_value == uint64_t(value) || local_value == kFull32 || (deferred && local_value == 0);
  };
  local_name_.resize(name_bytes);
  source_.read(local + kLocalBytes, int64_t(name_bytes), local_name_.data());
  if (local_name_ != record.name || int(number(head, 8, 2)) != method ||
      ((local_flags ^ flags) & kEncrypted) != 0 || !same(stored, record.stored) || !same(size, record.size) ||
      !(crc == record.crc || (deferred && crc == 0)))
    fail("{} is described differently by the directory and by its header at byte {}", where(record), local);
}

void ZipArchive::check_names_and_ranges() {
  std::vector<std::pair<int64_t, size_t>> order;
  order.reserve(records_.size());
  index_.reserve(records_.size());
  for (size_t i = 0; i < records_.size(); ++i) {
    if (!is_safe_name(records_[i].name)) fail("{} has a name that is not a plain path", where(records_[i]));
    if (!index_.emplace(records_[i].name, i).second) fail("{} is there twice", where(records_[i]));
    order.emplace_back(headers_[i], i);
  }
  std::ranges::sort(order);
  for (size_t i = 1; i < order.size(); ++i) {
    const Record& before = records_[order[i - 1].second];
    if (before.begin + before.stored > order[i].first)
      fail("{} overlaps record '{}'", where(records_[order[i].second]), before.name);
  }
}

void ZipArchive::inflate(const Record& record, void* out) const {
  const std::string packed = source_.read(record.begin, record.stored);
  z_stream stream = {};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) fail("{} cannot be inflated: no memory", where(record));
  const auto* in = reinterpret_cast<const Bytef*>(packed.data());
  auto* to = static_cast<Bytef*>(out);
  int64_t in_left = record.stored, out_left = record.size;
  constexpr int64_t kPiece = 1 << 30;  // zlib counts in 32 bits
  int status = Z_OK;
  Bytef nothing = 0;
  while (status == Z_OK) {
    stream.next_in = const_cast<Bytef*>(in);
    stream.avail_in = uInt(std::min(in_left, kPiece));
    stream.next_out = out_left > 0 ? to : &nothing;
    stream.avail_out = out_left > 0 ? uInt(std::min(out_left, kPiece)) : 1;
    const uInt in_before = stream.avail_in, out_before = stream.avail_out;
    status = ::inflate(&stream, Z_NO_FLUSH);
    in += in_before - stream.avail_in, in_left -= in_before - stream.avail_in;
    const int64_t made = out_before - stream.avail_out;
    if (made > out_left) status = Z_DATA_ERROR;
    to += std::min(made, out_left), out_left -= std::min(made, out_left);
    if (status == Z_OK && made == 0 && in_before == stream.avail_in) status = Z_BUF_ERROR;
  }
  ::inflateEnd(&stream);
  if (status != Z_STREAM_END || in_left != 0 || out_left != 0)
    fail("{} is damaged: its deflated bytes do not give {} bytes", where(record), record.size);
}

void ZipArchive::check_crc(const Record& record, uint32_t crc) const {
  if (record.crc != 0 && crc != record.crc)
    fail("{} is damaged: its CRC-32 is {:08x}, its bytes give {:08x}", where(record), record.crc, crc);
}

Ref<Storage> ZipArchive::storage(const Record& record, int64_t alignment, bool verify) const {
  Checksum checksum = {crc32};
  Checksum* const wanted = verify && record.crc != 0 ? &checksum : nullptr;
  if (!record.deflated) {
    Ref<Storage> result = source_.storage(record.begin, record.size, alignment, wanted);
    if (wanted != nullptr) check_crc(record, checksum.value);
    return result;
  }
  Ref<Storage> result = Storage::allocate(record.size, cpu);
  inflate(record, result->data);
  source_.advance(record.stored);
  if (wanted != nullptr) check_crc(record, crc32(result->data, size_t(record.size)));
  return result;
}

std::string ZipArchive::text(const Record& record, bool verify) const {
  std::string result;
  if (record.deflated) {
    result.resize(size_t(record.size));
    inflate(record, result.data());
  } else {
    result = source_.read(record.begin, record.size);
  }
  if (verify) check_crc(record, crc32(result.data(), size_t(record.size)));
  return result;
}

}  // namespace kiln::io
