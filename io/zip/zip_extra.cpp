// What stands beside a record's name: extra fields and a comment of its own.

#include <algorithm>
#include <cstring>

#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/zip/zip.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

using namespace std::string_view_literals;

constexpr size_t kZip64Field = 1, kUnicodePath = 0x7075, kFieldHead = 4;

// Fields that hold sizes, times and owners, in at most so many bytes.
struct Known {
  size_t id, bytes;
};
constexpr Known kKnown[] = {{kZip64Field, 28}, {0x000A, 32}, {0x5455, 13}, {0x5855, 12},
                            {0x7855, 4},       {0x7875, 19}, {0xCAFE, 0}};

// PyTorch pads with 'Z' so that data begin at multiples of 64, other programs with zeros.
bool is_padding(std::string_view bytes) {
  return bytes.empty() || ((bytes[0] == 'Z' || bytes[0] == '\0') &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

bool Zip64Sizes::take(uint64_t* value) {
  if (*value != kZipFull32) return true;
  if (field.size() < at + 8) return false;
  *value = from_little_endian(field, at, 8);
  at += 8;
  return *value <= uint64_t(INT64_MAX);
}

size_t find_zip_mark(std::string_view text) {
  size_t first = text.npos;
  for (const std::string_view mark : {"PK\1\2"sv, "PK\3\4"sv, "PK\5\6"sv, "PK\6\6"sv, "PK\6\7"sv})
    first = std::min(first, text.find(mark));
  return first;
}

ZipArchive::Extra ZipArchive::read_extra(const Record& record, std::string_view extra) const {
  Extra result;
  bool has_zip64 = false;
  while (!extra.empty()) {
    const size_t id = extra.size() < kFieldHead ? 0 : from_little_endian(extra, 0, 2),
                 bytes = extra.size() < kFieldHead ? extra.size() : from_little_endian(extra, 2, 2);
    if (id == 0 && is_padding(extra)) break;
    if (bytes + kFieldHead > extra.size()) fail("{} has damaged extra fields", where(record));
    const std::string_view field = extra.substr(kFieldHead, bytes);
    extra.remove_prefix(kFieldHead + bytes);
    if (id == kUnicodePath) {
      check_second_name(record, field);
    } else if (id == kZip64Field) {
      if (has_zip64) fail("{} has two fields of zip64 sizes", where(record));
      has_zip64 = true;
      result.zip64 = field;
    }
    result.unknown += count_unknown(record, id, field);
  }
  return result;
}

// Behind a version and a checksum of the name; some programs take this one.
void ZipArchive::check_second_name(const Record& record, std::string_view field) const {
  constexpr size_t kPathAt = 5;
  const std::string_view path = field.substr(std::min(kPathAt, field.size()));
  if (path != record.name) fail("{} has a second name, '{}'", where(record), shown_name(path));
}

int64_t ZipArchive::count_unknown(const Record& record, size_t id, std::string_view field) const {
  const auto* known = std::ranges::find(kKnown, id, &Known::id);
  if ((known != std::end(kKnown) && field.size() <= known->bytes) || id == kUnicodePath || is_padding(field))
    return 0;
  return check_text(record, field);
}

int64_t ZipArchive::check_text(const Record& record, std::string_view text) const {
  if (find_zip_mark(text) != text.npos)
    fail("{} has a comment or extra field with a mark of zip in it", where(record));
  return int64_t(text.size());
}

}  // namespace kiln::io
