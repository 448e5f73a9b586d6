#include <algorithm>
#include <vector>

#include "fuzz/mutate/mutation.h"

namespace kiln::fuzz {
namespace {

// A part of a file, its content between what says its length and a checksum, which picture_files() puts
// right.
struct Part {
  size_t begin, content, content_size, end;
};

uint32_t big(std::string_view bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | uint8_t(bytes[at + i]);
  return value;
}

std::vector<Part> png_chunks(std::string_view bytes) {
  std::vector<Part> parts;
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const size_t length = big(bytes, at, 4);
    if (length > bytes.size() - at - 12) break;
    parts.push_back({at, at + 8, length, at + 12 + length});
    at += 12 + length;
  }
  return parts;
}

std::vector<Part> jpeg_segments(std::string_view bytes) {
  std::vector<Part> parts;
  for (size_t at = 2; at + 4 <= bytes.size();) {
    if (bytes[at] != '\xff') {  // the data of a scan
      at = std::min(bytes.find('\xff', at), bytes.size());
      continue;
    }
    const uint8_t marker = uint8_t(bytes[at + 1]);
    const size_t length = big(bytes, at + 2, 2);
    const bool is_alone = marker == 0 || marker == 0xff || (marker >= 0xd0 && marker <= 0xd9);
    if (is_alone || length < 2 || length + 2 > bytes.size() - at) {
      at += 2;
      continue;
    }
    parts.push_back({at, at + 4, length - 2, at + 2 + length});
    at += 2 + length;
  }
  return parts;
}

std::string with_length(std::string_view bytes, const Part& part, const std::string& content, bool is_png) {
  const size_t count = is_png ? 4 : 2, length = content.size() + (is_png ? 0 : 2);
  const size_t length_at = is_png ? part.begin : part.begin + 2;
  std::string made(bytes.substr(0, part.content));
  for (size_t i = 0; i < count; ++i) made[length_at + i] = char(length >> 8 * (count - 1 - i));
  return made + content + std::string(bytes.substr(part.content + part.content_size));
}

}  // namespace

std::string mutate_picture(std::string_view bytes, Mutation& mutation) {
  const bool is_png = bytes.starts_with("\x89PNG");
  const std::vector<Part> parts = is_png                          ? png_chunks(bytes)
                                  : bytes.starts_with("\xff\xd8") ? jpeg_segments(bytes)
                                                                  : std::vector<Part>();
  if (parts.empty()) {
    mutation.did("blind");
    return mutation.blindly(bytes);
  }
  Random& random = mutation.random;
  const Part part = random.of(parts);
  const std::string_view whole = bytes.substr(part.begin, part.end - part.begin);
  switch (random.below(6)) {
    case 0:
      mutation.did("repeat");
      return std::string(bytes.substr(0, part.end)) + std::string(whole) +
             std::string(bytes.substr(part.end));
    case 1:
      mutation.did("remove");
      return std::string(bytes.substr(0, part.begin)) + std::string(bytes.substr(part.end));
    case 2: {
      mutation.did("move");
      const size_t to = random.of(parts).begin;
      std::string made(bytes.substr(0, to));
      return made + std::string(whole) + std::string(bytes.substr(to));
    }
    default:
      mutation.did("content");
      return with_length(bytes, part, mutation.blindly(bytes.substr(part.content, part.content_size)),
                         is_png);
  }
}

}  // namespace kiln::fuzz
