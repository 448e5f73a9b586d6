#include "fuzz/forms.h"

#include <cstdint>
#include <cstring>

#include <kiln/io/bytes/crc32c.h>
#include <kiln/tensor/base/fail.h>

#include "fuzz/mutate/storages.h"
#include "support/archive.h"

namespace kiln::fuzz {
namespace {

void clear_checksums(std::string& bytes, std::string_view mark, size_t checksum_at) {
  for (size_t at = bytes.find(mark); at != bytes.npos; at = bytes.find(mark, at + mark.size()))
    if (at + checksum_at + 4 <= bytes.size()) bytes.replace(at + checksum_at, 4, 4, '\0');
}

}  // namespace

std::vector<std::string> plain_files(std::string_view input) { return {std::string(input)}; }

std::vector<std::string> zip_files(std::string_view input) {
  std::string without(input);
  clear_checksums(without, "PK\1\2", 16);
  clear_checksums(without, "PK\3\4", 14);
  clear_checksums(without, "PK\7\x08", 4);
  return {std::string(input), without};
}

std::vector<std::string> pickle_files(std::string_view input) {
  test::Archive archive;
  archive.add("x/data.pkl", std::string(input));
  for (const NamedStorage& storage : named_storages(input))
    archive.add("x/data/" + storage.key, std::string(storage.bytes, filling(storage.key)));
  archive.add("x/version", "3\n");
  return {std::string(input), archive.finish()};
}

std::vector<std::string> tar_files(std::string_view input) {
  constexpr size_t kBlock = 512, kMarkAt = 257, kSumAt = 148, kSumBytes = 8;
  std::string right(input);
  for (size_t at = 0; at + kBlock <= right.size(); at += kBlock) {
    if (right.compare(at + kMarkAt, 5, "ustar") != 0) continue;
    right.replace(at + kSumAt, kSumBytes, kSumBytes, ' ');
    unsigned sum = 0;
    for (size_t i = 0; i < kBlock; ++i) sum += uint8_t(right[at + i]);
    right.replace(at + kSumAt, kSumBytes - 1, fmt::format("{:06o}", sum) + std::string(1, '\0'));
  }
  return {right};
}

std::vector<std::string> kiln_files(std::string_view input) {
  constexpr size_t kLengthBytes = 8, kDigits = 32;  // where the checksum stands in the header
  std::string right(input);
  uint64_t length = 0;
  if (right.size() < kLengthBytes) return {right};
  std::memcpy(&length, right.data(), sizeof length);
  if (length < kDigits + 8 || length > right.size() - kLengthBytes) return {right};
  right.replace(kLengthBytes + kDigits, 8, 8, '0');
  right.replace(kLengthBytes + kDigits, 8,
                fmt::format("{:08x}", io::crc32c(right.data() + kLengthBytes, size_t(length))));
  return {std::string(input), right};
}

}  // namespace kiln::fuzz
