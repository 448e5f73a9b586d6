#include "fuzz/mutate/zip_parts.h"

#include <algorithm>
#include <cstring>

#include <kiln/io/bytes/crc32.h>
#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/zip/inflate.h>

namespace kiln::fuzz {
namespace {

using io::from_little_endian;

constexpr size_t kEntryBytes = 46, kLocalBytes = 30, kEndBytes = 22;
constexpr uint32_t kFull = 0xFFFFFFFF;
constexpr int kDescriptor = 1 << 3;

std::string u16(uint64_t value) { return io::little_endian(value, 2); }
std::string u32(uint64_t value) { return io::little_endian(value, 4); }
std::string u64(uint64_t value) { return io::little_endian(value, 8); }

// Deflate's blocks that are not compressed (RFC 1951, 3.2.4).
std::string deflated(std::string_view content) {
  constexpr size_t kMost = 65535;
  std::string out;
  do {
    const std::string_view block = content.substr(0, kMost);
    content.remove_prefix(block.size());
    out += char(content.empty());
    out += u16(block.size()) + u16(~block.size()) + std::string(block);
  } while (!content.empty());
  return out;
}

bool inflated(std::string_view stored, size_t size, std::string* content) {
  constexpr size_t kMost = 1 << 20;
  if (size > kMost) return false;
  content->resize(size);
  return io::inflate(
      int64_t(stored.size()), int64_t(size), {content->data(), int64_t(size)},
      [&](int64_t at, int64_t bytes, void* out) { std::memcpy(out, stored.data() + at, size_t(bytes)); },
      [](const char*, int64_t) { return true; });
}

// Without zip64's, which are written anew.
std::string without_zip64(std::string_view extra) {
  std::string out;
  while (extra.size() >= 4) {
    const size_t bytes = std::min<size_t>(4 + from_little_endian(extra, 2, 2), extra.size());
    if (from_little_endian(extra, 0, 2) != 1) out += extra.substr(0, bytes);
    extra.remove_prefix(bytes);
  }
  return out;
}

// The sizes and the place of an entry, of 32 bits or of its extra field.
struct Numbers {
  uint64_t size, stored, place;
};
Numbers numbers_of(std::string_view entry, std::string_view extra) {
  Numbers found = {from_little_endian(entry, 24, 4), from_little_endian(entry, 20, 4),
                   from_little_endian(entry, 42, 4)};
  while (extra.size() >= 4) {
    const size_t bytes = std::min<size_t>(from_little_endian(extra, 2, 2), extra.size() - 4);
    std::string_view field = extra.substr(4, bytes);
    if (from_little_endian(extra, 0, 2) == 1)
      for (uint64_t* number : {&found.size, &found.stored, &found.place})
        if (*number == kFull && field.size() >= 8) {
          *number = from_little_endian(field, 0, 8);
          field.remove_prefix(8);
        }
    extra.remove_prefix(4 + bytes);
  }
  return found;
}

// Gives the entry's bytes, 0 where it is damaged.
size_t read_part(std::string_view bytes, std::string_view entry, ZipPart* part) {
  if (entry.size() < kEntryBytes || !entry.starts_with("PK\1\2")) return 0;
  const size_t name_bytes = from_little_endian(entry, 28, 2), extra_bytes = from_little_endian(entry, 30, 2),
               all = kEntryBytes + name_bytes + extra_bytes + from_little_endian(entry, 32, 2);
  if (all > entry.size()) return 0;
  const std::string_view extra = entry.substr(kEntryBytes + name_bytes, extra_bytes);
  const auto [size, stored, place] = numbers_of(entry, extra);
  const uint64_t method = from_little_endian(entry, 10, 2);
  if (place > bytes.size() || bytes.size() - place < kLocalBytes || (method != 0 && method != 8)) return 0;
  const std::string_view local = bytes.substr(size_t(place));
  const size_t local_name = from_little_endian(local, 26, 2), local_extra = from_little_endian(local, 28, 2),
               begin = kLocalBytes + local_name + local_extra;
  if (begin > local.size() || stored > local.size() - begin) return 0;
  *part = {.name = std::string(entry.substr(kEntryBytes, name_bytes)),
           .content = std::string(local.substr(begin, size_t(stored))),
           .extra = without_zip64(extra),
           .local_extra = without_zip64(local.substr(kLocalBytes + local_name, local_extra)),
           .deflated = method == 8,
           .has_checksum = size == 0 || from_little_endian(entry, 16, 4) != 0,
           .is_zip64 = from_little_endian(entry, 24, 4) == kFull,
           .has_descriptor = (from_little_endian(entry, 8, 2) & kDescriptor) != 0};
  const std::string as_stored = part->content;
  return part->deflated && !inflated(as_stored, size_t(size), &part->content) ? 0 : all;
}

// A part as it is written: its entry of the directory, and itself with its local header.
struct Written {
  std::string entry, local;
};
Written write_part(const ZipPart& part, size_t place) {
  const std::string stored = part.deflated ? deflated(part.content) : part.content;
  const uint32_t crc = (part.has_checksum ? io::crc32(part.content.data(), part.content.size()) : 0) ^
                       (part.is_damaged ? 1u : 0u);
  const std::string sizes = u64(part.content.size()) + u64(stored.size());
  const std::string field = part.is_zip64 ? u16(1) + u16(sizes.size()) + sizes : "";
  const std::string extra = part.extra + field, local_extra = field + part.local_extra;
  const std::string& local_name = part.local_name.empty() ? part.name : part.local_name;
  const auto common = [&](bool is_local, size_t name, size_t more) {
    const bool later = is_local && part.has_descriptor;
    return u16(20) + u16(part.has_descriptor ? kDescriptor : 0) + u16(part.deflated ? 8 : 0) + u32(0) +
           u32(later ? 0 : crc) +
           u32(part.is_zip64 ? kFull
               : later       ? 0
                             : stored.size()) +
           u32(part.is_zip64 ? kFull
               : later       ? 0
                             : part.content.size()) +
           u16(name) + u16(more);
  };
  Written out;
  out.entry = "PK\1\2" + u16(20) + common(false, part.name.size(), extra.size()) + std::string(10, '\0') +
              u32(place + part.before.size()) + part.name + extra;
  out.local = part.before + "PK\3\4" + common(true, local_name.size(), local_extra.size()) + local_name +
              local_extra + stored;
  if (part.has_descriptor)
    out.local += "PK\7\x08" + u32(crc) +
                 (part.is_zip64 ? u64(stored.size()) + u64(part.content.size())
                                : u32(stored.size()) + u32(part.content.size()));
  return out;
}

}  // namespace

bool read_zip_parts(std::string_view bytes, ZipParts* zip) {
  *zip = {};
  const size_t end = bytes.rfind("PK\5\6");
  if (end == bytes.npos || bytes.size() - end < kEndBytes) return false;
  size_t at = from_little_endian(bytes, end + 16, 4);
  if (end >= 76 && bytes.substr(end - 20, 4) == "PK\6\7" && bytes.substr(end - 76, 4) == "PK\6\6") {
    zip->is_zip64 = true;
    at = size_t(from_little_endian(bytes, end - 76 + 48, 8));
  }
  while (at < end && bytes.substr(at, 4) == "PK\1\2") {
    ZipPart part;
    const size_t read = read_part(bytes, bytes.substr(at, end - at), &part);
    if (read == 0) return false;
    zip->parts.push_back(std::move(part));
    at += read;
  }
  zip->comment = bytes.substr(end + kEndBytes);
  return !zip->parts.empty();
}

std::string write_zip(const ZipParts& zip) {
  std::string bytes, directory;
  for (const ZipPart& part : zip.parts) {
    const Written written = write_part(part, bytes.size());
    bytes += written.local;
    directory += written.entry;
  }
  bytes += zip.before_directory;
  const size_t begin = bytes.size(), count = zip.parts.size(), end = begin + directory.size();
  bytes += directory;
  if (zip.is_zip64)
    bytes += "PK\6\6" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(count) + u64(count) +
             u64(directory.size()) + u64(begin) + "PK\6\7" + u32(0) + u64(end) + u32(1);
  return bytes + "PK\5\6" + u32(0) + u16(count) + u16(count) + u32(directory.size()) + u32(begin) +
         u16(zip.comment.size()) + zip.comment + zip.behind;
}

}  // namespace kiln::fuzz
