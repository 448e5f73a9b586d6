#include <kiln/io/zip/zip_writer.h>

#include <algorithm>

#include <kiln/io/bytes/crc32.h>
#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr int64_t kAlignment = 64;        // bytes; what PyTorch aligns storages to
constexpr int64_t kLocalHeader = 30;      // bytes before the name
constexpr int64_t kLimit32 = UINT32_MAX;  // this value and more is said by a zip64 extra field
constexpr uint64_t kVersion = 45;         // of the zip specification that knows zip64
constexpr uint64_t kUtf8 = 1 << 11;       // flag: names are UTF-8
constexpr uint64_t kDate = (1 << 5) | 1;  // 1 January 1980: the same content gives the same bytes

std::string u16(uint64_t value) { return little_endian(value, 2); }
std::string u32(uint64_t value) { return little_endian(value, 4); }
std::string u64(uint64_t value) { return little_endian(value, 8); }
std::string u32_or_all(int64_t value) { return u32(uint64_t(std::min(value, kLimit32))); }

std::string zip64_extra(const std::string& fields) {
  return fields.empty() ? "" : u16(1) + u16(fields.size()) + fields;
}

// What the local header and the directory's entry have in common.
std::string common(uint32_t checksum, int64_t bytes, const std::string& name, const std::string& extra) {
  return u16(kVersion) + u16(kUtf8) + u16(0) + u16(0) + u16(kDate) + u32(checksum) + u32_or_all(bytes) +
         u32_or_all(bytes) + u16(name.size()) + u16(extra.size());
}

std::string sizes_extra(int64_t bytes) {
  return bytes < kLimit32 ? "" : u64(uint64_t(bytes)) + u64(uint64_t(bytes));
}

}  // namespace

void check_record_count(const std::string& path, int64_t records) {
  if (const int64_t most = LoadLimits().records; records > most)
    fail(
        "save: '{}' would have {} records, and a reader takes {} (limits.records); save to .kiln or "
        ".safetensors",
        path, records, most);
}

ZipWriter::ZipWriter(std::string path, int64_t expected_bytes)
    : file_(path, expected_bytes), path_(std::move(path)) {}

void ZipWriter::put(const std::string& bytes) {
  file_.write(at_, bytes.data(), int64_t(bytes.size()));
  at_ += int64_t(bytes.size());
}

void ZipWriter::begin(std::string name, int64_t bytes) {
  if (name.size() > UINT16_MAX)
    fail("save: '{}' would have a record with a name of {} bytes, the limit of zip is {}", path_, name.size(),
         UINT16_MAX);
  entries_.push_back({std::move(name), at_, bytes, 0});
  const int64_t zip64 = int64_t(zip64_extra(sizes_extra(bytes)).size());
  data_begin_ = at_ + kLocalHeader + int64_t(entries_.back().name.size()) + zip64 + 4;
  data_begin_ += (kAlignment - data_begin_ % kAlignment) % kAlignment;
  at_ = data_begin_;
}

void ZipWriter::write(const void* data, int64_t bytes) {
  entries_.back().checksum = crc32(data, size_t(bytes), entries_.back().checksum);
  file_.write(at_, data, bytes);
  at_ += bytes;
}

void ZipWriter::end() {
  const Entry& entry = entries_.back();
  if (at_ - data_begin_ != entry.bytes)
    fail("save: record '{}' of '{}' got {} bytes instead of {}", entry.name, path_, at_ - data_begin_,
         entry.bytes);
  const std::string zip64 = zip64_extra(sizes_extra(entry.bytes));
  const int64_t padding =
      data_begin_ - entry.begin - kLocalHeader - int64_t(entry.name.size() + zip64.size()) - 4;
  // PyTorch's own field for padding: "FB" and as many 'Z' as it takes.
  const std::string extra = zip64 + "FB" + u16(uint64_t(padding)) + std::string(size_t(padding), 'Z');
  const std::string header =
      "PK\3\4" + common(entry.checksum, entry.bytes, entry.name, extra) + entry.name + extra;
  file_.write(entry.begin, header.data(), int64_t(header.size()));
}

void ZipWriter::record(std::string name, std::string_view content) {
  begin(std::move(name), int64_t(content.size()));
  write(content.data(), int64_t(content.size()));
  end();
}

uint32_t ZipWriter::names_checksum() const {
  uint32_t sum = 0;
  for (const Entry& entry : entries_) sum = crc32(entry.name.data(), entry.name.size(), sum);
  return sum;
}

uint32_t ZipWriter::contents_checksum() const {
  uint32_t sum = 0;
  for (const Entry& entry : entries_) sum = crc32(&entry.checksum, sizeof entry.checksum, sum);
  return sum;
}

void ZipWriter::commit() {
  const int64_t directory = at_;
  std::string records;
  for (const Entry& entry : entries_) {
    const std::string offset = entry.begin < kLimit32 ? "" : u64(uint64_t(entry.begin));
    const std::string extra = zip64_extra(sizes_extra(entry.bytes) + offset);
    records += "PK\1\2" + u16(kVersion) + common(entry.checksum, entry.bytes, entry.name, extra) + u16(0) +
               u16(0) + u16(0) + u32(0) + u32_or_all(entry.begin) + entry.name + extra;
  }
  put(records);
  const int64_t zip64_end = at_, size = zip64_end - directory;
  const uint64_t count = entries_.size();
  constexpr uint64_t kZip64EndRest = 44;  // bytes of that record after its size
  // numpy.load knows an empty archive by the end record at its begin.
  if (count > 0) {
    put("PK\6\6" + u64(kZip64EndRest) + u16(kVersion) + u16(kVersion) + u32(0) + u32(0) + u64(count) +
        u64(count) + u64(uint64_t(size)) + u64(uint64_t(directory)));
    put("PK\6\7" + u32(0) + u64(uint64_t(zip64_end)) + u32(1));
  }
  const std::string count16 = u16(std::min<uint64_t>(count, UINT16_MAX));
  put("PK\5\6" + u16(0) + u16(0) + count16 + count16 + u32_or_all(size) + u32_or_all(directory) + u16(0));
  file_.commit();
}

}  // namespace kiln::io
