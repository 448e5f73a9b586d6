#include "fuzz/mutate/header_parts.h"

#include <charconv>

#include <kiln/io/bytes/little_endian.h>

namespace kiln::fuzz {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr std::string_view kMetadata = "__metadata__";

struct DtypeBits {
  std::string_view name;
  uint64_t bits;
};
constexpr DtypeBits kBits[] = {
    {"BOOL", 8},        {"U8", 8},          {"I8", 8},      {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8},
    {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"U16", 16},    {"I16", 16},    {"F16", 16},    {"BF16", 16},
    {"U32", 32},        {"I32", 32},        {"F32", 32},    {"U64", 64},    {"I64", 64},    {"F64", 64},
    {"C64", 64},        {"F4", 4},          {"F6_E2M3", 6}, {"F6_E3M2", 6}};

bool number_of(const Json& json, uint64_t* number) {
  const std::string& text = json.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return json.kind == Json::Kind::word && error == std::errc() && end == text.data() + text.size();
}

// False for more than anybody would lay out.
bool bytes_of(const Json& entry, uint64_t* bytes) {
  constexpr uint64_t kMost = 1 << 15;
  const Json *dtype = entry.find("dtype"), *shape = entry.find("shape");
  if (dtype == nullptr || shape == nullptr) return false;
  uint64_t bits = 0;
  for (const DtypeBits& known : kBits)
    if (known.name == dtype->text) bits = known.bits;
  for (const JsonMember& size : shape->members) {
    uint64_t count = 0;
    if (!number_of(size.value, &count) || count > kMost) return false;
    bits *= count;
    if (bits > kMost * 8) return false;
  }
  *bytes = bits / 8;
  return true;
}

}  // namespace

bool read_header(std::string_view bytes, HeaderParts* parts) {
  if (bytes.size() < kLengthBytes) return false;
  const uint64_t length = io::from_little_endian(bytes, 0, kLengthBytes);
  if (length > bytes.size() - kLengthBytes) return false;
  parts->data = bytes.substr(kLengthBytes + size_t(length));
  return read_json(bytes.substr(kLengthBytes, size_t(length)), &parts->header) &&
         parts->header.kind == Json::Kind::object;
}

std::string write_header(const HeaderParts& parts, bool is_padded) {
  constexpr size_t kAlignment = 64;
  std::string text = write_json(parts.header);
  while (is_padded && (text.size() + kLengthBytes) % kAlignment != 0) text += ' ';
  return io::little_endian(text.size(), kLengthBytes) + text + parts.data;
}

bool data_of(const Json& entry, size_t data_bytes, size_t* begin, size_t* end) {
  const Json* offsets = entry.find("data_offsets");
  uint64_t from = 0, to = 0;
  if (offsets == nullptr || offsets->members.size() != 2 || !number_of(offsets->members[0].value, &from) ||
      !number_of(offsets->members[1].value, &to) || from > to || to > data_bytes)
    return false;
  *begin = size_t(from);
  *end = size_t(to);
  return true;
}

void lay_out(HeaderParts* parts) {
  uint64_t at = 0, bytes = 0;
  for (const auto& [name, entry] : parts->header.members)
    if (name != kMetadata && !bytes_of(entry, &bytes)) return;
  std::string data;
  for (auto& [name, entry] : parts->header.members) {
    Json* const offsets = entry.find("data_offsets");
    if (name == kMetadata || offsets == nullptr || !bytes_of(entry, &bytes)) continue;
    size_t begin = 0, end = 0;
    std::string own =
        data_of(entry, parts->data.size(), &begin, &end) ? parts->data.substr(begin, end - begin) : "";
    own.resize(size_t(bytes), '\1');
    data += own;
    *offsets = Json::array({Json::number(int64_t(at)), Json::number(int64_t(at + bytes))});
    at += bytes;
  }
  parts->data = std::move(data);
}

}  // namespace kiln::fuzz
