#include <algorithm>

#include <kiln/io/bytes/crc32.h>
#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/zip/inflate.h>
#include <kiln/io/zip/zip.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cpu/context.h>

namespace kiln::io {
namespace {

constexpr int64_t kLocalBytes = 30;
constexpr uint64_t kDescriptor = 1 << 3;
constexpr int64_t kLongestDescriptor = 24;
constexpr int64_t kBytesOfAThread = 2 << 20;  // of a file that is worth one
constexpr int64_t kBytesOfAPart = 2 << 20;

// Checksum and both sizes, of 4 or 8 bytes each, perhaps behind a mark (APPNOTE 4.3.9).
bool is_descriptor(std::string_view bytes, const ZipArchive::Record& record) {
  constexpr size_t kShort = 12, kLong = 20, kMark = 4;
  if (bytes.size() == kShort + kMark || bytes.size() == kLong + kMark) {
    if (!bytes.starts_with("PK\7\x08")) return false;
    bytes.remove_prefix(kMark);
  }
  if (bytes.size() != kShort && bytes.size() != kLong) return false;
  const size_t width = (bytes.size() - 4) / 2;
  return from_little_endian(bytes, 0, 4) == record.crc &&
         from_little_endian(bytes, 4, width) == uint64_t(record.stored) &&
         from_little_endian(bytes, 4 + width, width) == uint64_t(record.size);
}

// Whether a local header says of a record what the directory does.
bool is_same(std::string_view head, std::string_view zip64, const ZipArchive::Record& record, int method,
             int flags) {
  const uint64_t local_flags = from_little_endian(head, 6, 2);
  const bool deferred = (local_flags & kDescriptor) != 0;
  uint64_t stored = from_little_endian(head, 18, 4), size = from_little_endian(head, 22, 4);
  const uint64_t crc = from_little_endian(head, 14, 4);
  Zip64Sizes sizes = {zip64};
  if (!zip64.empty() && !(sizes.take(&size) && sizes.take(&stored))) return false;
  const auto same = [&](uint64_t told, int64_t value) {
    return told == uint64_t(value) || (told == kZipFull32 && zip64.empty()) || (deferred && told == 0);
  };
  return int(from_little_endian(head, 8, 2)) == method && ((int(local_flags) ^ flags) & kZipEncrypted) == 0 &&
         same(stored, record.stored) && same(size, record.size) &&
         (crc == record.crc || (deferred && crc == 0));
}

}  // namespace

// In the order of the file, each header right before its data: a file is read once, from begin to end.
void ZipArchive::read_headers() {
  order_.resize(records_.size());
  for (size_t i = 0; i < order_.size(); ++i) order_[i] = i;
  const auto begin_of = [&](size_t i) { return headers_[i].begin; };
  if (!std::ranges::is_sorted(order_, {}, begin_of))
    std::ranges::sort(order_, {}, [&](size_t i) { return std::pair(begin_of(i), i); });
  const int64_t before = order_.empty() ? end_ : begin_of(order_[0]);
  if (before != 0)
    fail("{} has {} bytes before its {}", source_.name(), before,
         order_.empty() ? "directory"
                        : fmt::format("first record '{}'", shown_name(records_[order_[0]].name)));
  if (read_ == Read::nothing) return read_part(source_, 0, order_.size());

  // Memory for all of them, which is not more than the file is when they do not overlap.
  ready_.resize(records_.size());
  std::vector<size_t> parts = {0};
  for (size_t k = 0; k < order_.size(); ++k) {
    const Record& record = records_[order_[k]];
    const int64_t begin = begin_of(order_[k]), next = k + 1 < order_.size() ? begin_of(order_[k + 1]) : end_;
    if (record.stored > next - begin && next == end_)
      fail("{} reaches beyond the data of the file: {} bytes at byte {}", where(record), record.stored,
           begin);
    if (record.stored > next - begin)
      fail("{} overlaps record '{}'", where(records_[order_[k + 1]]), shown_name(record.name));
    if (begin - begin_of(order_[parts.back()]) >= kBytesOfAPart) parts.push_back(k);
    ready_[order_[k]].part = parts.size() - 1;
    if (!record.deflated) ready_[order_[k]].data = Storage::allocate(record.size, cpu);
  }
  parts.push_back(order_.size());

  const int threads = end_ < kBytesOfAThread ? 1 : num_threads();
  sources_.assign(size_t(threads), source_);
  const size_t count = parts.size() - 1;
  ahead_ = std::make_unique<ReadAhead>(count, threads,
                                       [this, parts = std::move(parts)](size_t part, size_t worker) {
                                         read_part(sources_[worker], parts[part], parts[part + 1]);
                                       });
  if (threads == 1) ahead_->wait_for_all();
}

void ZipArchive::read_part(const Source& source, size_t first, size_t last) {
  for (size_t k = first; k < last; ++k) {
    const size_t i = order_[k];
    Record& record = records_[i];
    const Local local = read_header(source, headers_[i], record);
    if (local.unknown > 0) unknown_bytes_ += local.unknown;
    check_behind(source, k, local.has_descriptor);
    if (read_ == Read::nothing || record.deflated) continue;
    Checksum checksum = {crc32};
    Checksum* const wanted = read_ == Read::verified_data && record.crc != 0 ? &checksum : nullptr;
    source.read_data(record.begin, record.size, ready_[i].data->data, wanted);
    if (wanted != nullptr) check_crc(record, checksum.value);
  }
}

void ZipArchive::check_behind(const Source& source, size_t place, bool has_descriptor) const {
  const Record& record = records_[order_[place]];
  const bool is_last = place + 1 == order_.size();
  const int64_t end = record.begin + record.stored, next = is_last ? end_ : headers_[order_[place + 1]].begin;
  if (end > next)
    fail("{} overlaps record '{}'", where(records_[order_[place + 1]]), shown_name(record.name));
  const int64_t gap = next - end;
  if (gap == 0) return;
  if (has_descriptor && gap <= kLongestDescriptor) {
    char bytes[kLongestDescriptor];
    source.peek(end, gap, bytes);
    if (is_descriptor({bytes, size_t(gap)}, record)) return;
  }
  const std::string behind =
      is_last ? "the directory" : fmt::format("record '{}'", shown_name(records_[order_[place + 1]].name));
  fail("{}: {} bytes that belong to no record lie between record '{}' and {}, at byte {}", source_.name(),
       gap, shown_name(record.name), behind, end);
}

void ZipArchive::finish() const {
  if (!ahead_) return;
  ahead_->wait_for_all();
  if (read_ != Read::verified_data) return;
  for (size_t i = 0; i < files_; ++i)
    if (records_[i].deflated && !ready_[i].was_inflated) storage(records_[i], 1, true);
}

ZipArchive::Local ZipArchive::read_header(const Source& source, const Header& header, Record& record) const {
  const auto [local, method, flags] = header;
  if (local + kLocalBytes + int64_t(record.name.size()) > end_)
    fail("{} begins inside of the directory", where(record));
  // PyTorch's names and padding are short; others cost a second call.
  constexpr int64_t kShort = 256;
  char bytes[kShort];
  const int64_t got = std::min(kShort, end_ - local);
  source.read(local, got, bytes);
  const std::string_view head(bytes, size_t(got));
  const size_t name_bytes = from_little_endian(head, 26, 2), extra_bytes = from_little_endian(head, 28, 2);
  if (!head.starts_with("PK\3\4")) fail("{} has no header at byte {}", where(record), local);
  record.begin = local + kLocalBytes + int64_t(name_bytes + extra_bytes);
  if (record.begin > end_ || record.stored > end_ - record.begin)
    fail("{} reaches beyond the data of the file: {} bytes at byte {}", where(record), record.stored,
         record.begin);
  // Behind the first bytes: of a long name.
  std::string behind;
  const auto piece = [&](size_t at, size_t count) {
    if (at + count <= head.size()) return head.substr(at, count);
    return std::string_view(behind = source.read(header.begin + int64_t(at), int64_t(count)));
  };
  const bool same_name = piece(size_t(kLocalBytes), name_bytes) == record.name;
  const Extra extra =
      extra_bytes == 0 ? Extra() : read_extra(record, piece(size_t(kLocalBytes) + name_bytes, extra_bytes));
  if (!same_name || !is_same(head, extra.zip64, record, method, flags))
    fail("{} is described differently by the directory and by its header at byte {}", where(record), local);
  return {(from_little_endian(head, 6, 2) & kDescriptor) != 0, extra.unknown};
}

void ZipArchive::inflate_all(const Record& record, void* out) const {
  const auto read = [&](int64_t at, int64_t bytes, void* to) { source_.read(record.begin + at, bytes, to); };
  if (!inflate(record.stored, record.size, {static_cast<char*>(out), record.size}, read,
               [](const char*, int64_t) { return true; }))
    fail_to_inflate(record);
}

std::string ZipArchive::head(const Record& record, int64_t bytes) const {
  bytes = std::min(bytes, record.size);
  if (!record.deflated) return source_.read(record.begin, bytes);
  std::string result(size_t(bytes), '\0');
  const auto read = [&](int64_t at, int64_t count, void* to) { source_.read(record.begin + at, count, to); };
  const auto enough = [](const char*, int64_t) { return false; };
  if (!inflate(record.stored, record.size, {result.data(), bytes}, read, enough)) fail_to_inflate(record);
  return result;
}

void ZipArchive::fail_to_inflate(const Record& record) const {
  fail("{} is damaged: its deflated bytes do not give {} bytes{}", where(record), record.size,
       record.crc != 0 ? fmt::format(" of CRC-32 {:08x}", record.crc) : "");
}

void ZipArchive::check_crc(const Record& record, uint32_t crc) const {
  if (record.crc != 0 && crc != record.crc)
    fail("{} is damaged: its CRC-32 is {:08x}, its bytes give {:08x}", where(record), record.crc, crc);
}

Ref<Storage> ZipArchive::storage(const Record& record, int64_t alignment, bool verify) const {
  Checksum checksum = {crc32};
  Checksum* const wanted = verify && record.crc != 0 ? &checksum : nullptr;
  const size_t i = size_t(&record - records_.data());
  Ref<Storage> result;
  if (ahead_) ahead_->wait(ready_[i].part);
  if (ahead_ && ready_[i].data) {
    result = std::move(ready_[i].data);
    if (wanted == nullptr || read_ == Read::verified_data) return result;
    checksum.value = crc32(result->data, size_t(record.size));
  } else if (!record.deflated) {
    result = source_.storage(record.begin, record.size, alignment, wanted);
  } else {
    result = Storage::allocate(record.size, cpu);
    inflate_all(record, result->data);
    if (ahead_) ready_[i].was_inflated = true;
    source_.leave(record.begin, record.stored);
    source_.advance(record.stored);
    if (wanted != nullptr) checksum.value = crc32(result->data, size_t(record.size));
  }
  if (wanted != nullptr) check_crc(record, checksum.value);
  return result;
}

std::string ZipArchive::text(const Record& record, bool verify) const {
  if (ahead_ && !record.deflated) {
    Record own = {.name = record.name, .stored = record.stored, .size = record.size, .crc = record.crc};
    read_header(source_, headers_[size_t(&record - records_.data())], own);
    std::string content = source_.read(own.begin, own.size);
    if (verify) check_crc(own, crc32(content.data(), content.size()));
    return content;
  }
  const Ref<Storage> content = storage(record, 1, verify);
  return {static_cast<const char*>(content->data), size_t(record.size)};
}

}  // namespace kiln::io
