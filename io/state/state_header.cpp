#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <kiln/io/bytes/crc32c.h>
#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/sizes.h>
#include <kiln/io/state/name_order.h>
#include <kiln/io/state/state_blocks.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

constexpr size_t kHeaderDepth = 3;  // object, entry, list of numbers
// A level is at most a value with attributes, an object, a list of pairs and a pair.
constexpr size_t kTreeDepth = 4 * kMaxDepth + 2;

class HeaderReader {
 public:
  HeaderReader(const InputFile& file, std::string text) : path_(file.path()), text_(std::move(text)) {
    header_.data_begin = kLengthBytes + int64_t(text_.size());
    data_bytes_ = file.size() - header_.data_begin;
  }

  StateHeader read() {
    const Value json = parse_json(text_, "load: the header of '" + path_ + "'", kHeaderDepth);
    if (!json.is_dict()) bad("is not a JSON object");
    for (const auto& [key, value] : json.entries())
      key == "__metadata__" ? metadata(value) : header_.entries.push_back(entry(key.text(), value));
    check_coverage();
    if (document_ == nullptr && own_checksum_ == nullptr) {
      put_in_order();
      return std::move(header_);
    }
    if (document_ == nullptr || own_checksum_ == nullptr) bad("lacks one of 'kiln' and 'kiln.crc32c'");
    header_.is_plain = false;
    check_own_checksum();
    read_document();
    return std::move(header_);
  }

 private:
  // False where its bits do not fill bytes. Two numbers of 4 bits make one of the last size, where that is
  // even.
  static bool shape_in_bytes(HeaderEntry& entry) {
    entry.raw_shape = entry.shape;
    const int64_t bits = numel(entry.shape) * entry.raw->bits;
    if (bits % 8 != 0) return false;
    constexpr int kHalf = 4;
    if (entry.raw->bits == kHalf && entry.shape.rank() > 0 && entry.shape.back() % 2 == 0)
      entry.shape[entry.shape.rank() - 1] /= 2;
    else if (entry.raw->bits != 8)
      entry.shape = {bits / 8};
    return true;
  }

  [[noreturn]] void bad(const std::string& what) const { fail("load: the header of '{}' {}", path_, what); }

  void metadata(const Value& value) {
    if (!value.is_dict()) bad("has a __metadata__ that is not an object");
    for (const auto& [key, text] : value.entries()) {
      if (!text.is_string()) bad(fmt::format("has '{}' in __metadata__ that is not a string", key.text()));
      if (key == "kiln") document_ = &text;
      if (key == "kiln.crc32c") own_checksum_ = &text;
    }
    if (document_ == nullptr) header_.metadata = value;
  }

  HeaderEntry entry(const std::string& name, const Value& value) const {
    const auto wrong = [&](const std::string& what) { bad(fmt::format("gives '{}' {}", name, what)); };
    const Value *dtype = value.find("dtype"), *shape = value.find("shape"),
                *offsets = value.find("data_offsets");
    if (!value.is_dict() || dtype == nullptr || shape == nullptr || offsets == nullptr ||
        !dtype->is_string() || !shape->is_list() || !offsets->is_list() || offsets->size() != 2)
      wrong("no dtype, shape and data_offsets");
    HeaderEntry result = {name};
    result.raw = raw_format(dtype->as_string());
    if (!dtype_from_format(dtype->as_string(), &result.dtype) && result.raw == nullptr)
      wrong("the dtype " + dtype->as_string() + ", which Kiln does not have");
    if (result.raw != nullptr) result.dtype = uint8;
    if (shape->size() > size_t(kMaxRank))
      wrong(fmt::format("{} dimensions, the limit is {}", shape->size(), kMaxRank));
    for (const Value& size : shape->items()) {
      if (!size.is_int() || size.as_int() < 0) wrong("a size that is not a positive int");
      result.shape.push_back(size.as_int());
    }
    const bool overflows = !has_countable_bytes(result.shape, size_of(result.dtype) * 8);
    if (!overflows && result.raw != nullptr && !shape_in_bytes(result))
      wrong(fmt::format("{} of shape {}, which are not whole bytes", result.raw->format, result.shape));
    const int64_t bytes = overflows ? 0 : numel(result.shape) * size_of(result.dtype);
    if (!offsets->items()[0].is_int() || !offsets->items()[1].is_int()) wrong("offsets that are not ints");
    result.begin = offsets->items()[0].as_int();
    result.end = offsets->items()[1].as_int();
    if (result.begin < 0 || result.end < result.begin || result.end > data_bytes_)
      wrong(fmt::format("bytes {} to {}, the file has {} (is it incomplete?)", result.begin, result.end,
                        data_bytes_));
    if (overflows || bytes != result.end - result.begin)
      wrong(fmt::format("{} bytes, which does not fit {} of shape {}", result.end - result.begin,
                        result.dtype, result.shape));
    return result;
  }

  // The tensors must cover the data part without holes, overlaps and rest.
  void check_coverage() const {
    std::vector<std::pair<int64_t, int64_t>> ranges;
    for (const HeaderEntry& entry : header_.entries) ranges.emplace_back(entry.begin, entry.end);
    std::ranges::sort(ranges);
    int64_t covered = 0;
    for (const auto& [begin, end] : ranges) {
      if (begin != covered) bad(fmt::format("leaves a hole or an overlap at byte {} of the data", covered));
      covered = end;
    }
    if (covered != data_bytes_)
      bad(fmt::format("describes {} bytes of data, the file has {}", covered, data_bytes_));
  }

  void put_in_order() {
    const Value* text = header_.metadata.is_none() ? nullptr : header_.metadata.find(kOrderName);
    if (text == nullptr) return;
    std::vector<std::string_view> names;
    for (const HeaderEntry& entry : header_.entries) names.push_back(entry.name);
    std::vector<HeaderEntry> ordered;
    for (const size_t i : order_from(text->as_string(), names)) ordered.push_back(header_.entries[i]);
    if (!ordered.empty()) header_.entries = std::move(ordered);
    header_.metadata.erase(kOrderName);
  }

  void check_own_checksum() {
    if (!text_.starts_with(kHeaderStart) || text_.size() < kHeaderStart.size() + kChecksumDigits)
      bad("has its checksum in the wrong place; the file is damaged");
    const std::string said = text_.substr(kHeaderStart.size(), kChecksumDigits);
    text_.replace(kHeaderStart.size(), kChecksumDigits, kChecksumDigits, '0');
    const std::string found = hex(crc32c(text_.data(), text_.size()));
    if (said != found)
      bad(fmt::format("has checksum {}, its bytes give {}; the file is damaged", said, found));
  }

  void read_document() {
    Value document =
        parse_json(document_->as_string(), "load: the value tree of '" + path_ + "'", kTreeDepth);
    Value *version = document.find("version"), *checksums = document.find("crc32c"),
          *pairs = document.find("complex128"), *tree = document.find("value");
    if (version == nullptr || !version->is_int()) bad("has no version");
    if (version->as_int() < 1 || version->as_int() > kVersion)
      bad(fmt::format("is of version {} of the format, this Kiln reads 1 to {}", version->as_int(),
                      kVersion));
    if (checksums == nullptr || !checksums->is_dict() || pairs == nullptr || !pairs->is_list() ||
        tree == nullptr)
      bad("lacks a part of its document");
    keep_blocks(*checksums);
    unite_pairs(*pairs);
    header_.tree = std::move(*tree);
  }

  // What has no checksum is a filler.
  void keep_blocks(const Value& checksums) {
    std::unordered_map<std::string_view, std::string_view, TextHash> said;
    for (const auto& [name, digits] : checksums.entries())
      if (digits.is_string()) said.emplace(name.text(), digits.as_string());
    std::vector<HeaderEntry> blocks;
    for (HeaderEntry& entry : header_.entries) {
      const auto found = said.find(entry.name);
      if (found == said.end()) continue;
      std::string bytes;
      if (found->second.size() != kChecksumDigits || !from_hex(found->second, &bytes))
        bad(fmt::format("has the checksum '{}' for '{}'", found->second.substr(0, 20), entry.name));
      for (const unsigned char byte : bytes) entry.checksum = entry.checksum << 8 | byte;
      blocks.push_back(std::move(entry));
    }
    if (blocks.size() != checksums.size()) bad("has checksums for tensors that it does not list");
    header_.entries = std::move(blocks);
  }

  void unite_pairs(const Value& names) {
    std::unordered_set<std::string_view, TextHash> wanted;
    for (const Value& name : names.items())
      if (name.is_string()) wanted.insert(name.as_string());
    for (HeaderEntry& entry : header_.entries) {
      if (!wanted.contains(entry.name)) continue;
      if (entry.dtype != float64 || entry.shape.empty() || entry.shape.back() != 2)
        bad(fmt::format("calls '{}' complex128, which needs F64 and a last size of 2", entry.name));
      entry.dtype = DType::complex128;
      entry.shape.erase(entry.shape.rank() - 1);
    }
  }

  const std::string& path_;
  std::string text_;
  int64_t data_bytes_;
  const Value *document_ = nullptr, *own_checksum_ = nullptr;
  StateHeader header_;
};

}  // namespace

StateHeader read_state_header(const InputFile& file, int64_t length) {
  return HeaderReader(file, file.read(kLengthBytes, length)).read();
}

}  // namespace kiln::io
