#include "fuzz/mutate/tar_parts.h"

#include <cstdint>

#include <kiln/tensor/base/fail.h>

namespace kiln::fuzz {
namespace {

constexpr size_t kBlock = 512, kNameBytes = 100, kSizeAt = 124, kSizeBytes = 12, kSumAt = 148, kSumBytes = 8,
                 kTypeAt = 156, kMarkAt = 257;

size_t octal(std::string_view field) {
  size_t value = 0;
  for (const char c : field)
    if (c >= '0' && c <= '7') value = value << 3 | size_t(c - '0');
  return value;
}

std::string header_of(const TarMember& member) {
  std::string header = member.header.size() == kBlock ? member.header : std::string(kBlock, '\0');
  const auto put = [&](size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, std::string(kNameBytes, '\0'));
  put(0, member.name.substr(0, kNameBytes));
  put(kSizeAt, fmt::format("{:011o}", member.content.size()));
  header[kTypeAt] = member.type;
  put(kMarkAt, "ustar");
  put(kSumAt, std::string(kSumBytes, ' '));
  unsigned sum = 0;
  for (const char c : header) sum += uint8_t(c);
  put(kSumAt, fmt::format("{:06o}", sum) + std::string(1, '\0'));
  return header;
}

}  // namespace

bool read_tar(std::string_view bytes, TarParts* tar) {
  *tar = {};
  size_t at = 0;
  while (at + kBlock <= bytes.size() && bytes.substr(at + kMarkAt, 5) == "ustar") {
    const std::string_view header = bytes.substr(at, kBlock);
    const size_t size = octal(header.substr(kSizeAt, kSizeBytes)), begin = at + kBlock;
    if (size > bytes.size() - begin) break;
    const std::string_view name = header.substr(0, kNameBytes);
    tar->members.push_back({.header = std::string(header),
                            .name = std::string(name.substr(0, name.find('\0'))),
                            .content = std::string(bytes.substr(begin, size)),
                            .type = header[kTypeAt]});
    at = std::min(bytes.size(), begin + (size + kBlock - 1) / kBlock * kBlock);
  }
  tar->behind = bytes.substr(at);
  return !tar->members.empty();
}

std::string write_tar(const TarParts& tar) {
  std::string bytes;
  for (const TarMember& member : tar.members) {
    bytes += header_of(member) + member.content;
    bytes.resize((bytes.size() + kBlock - 1) / kBlock * kBlock);
  }
  return bytes + (tar.behind.empty() ? std::string(2 * kBlock, '\0') : tar.behind);
}

}  // namespace kiln::fuzz
