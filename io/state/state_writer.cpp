#include <algorithm>

#include <kiln/io/bytes/crc32c.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/pieces.h>
#include <kiln/io/state/state_format.h>
#include <kiln/io/writers.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

// The header's JSON with its padding. Its length does not depend on the checksums.
std::string header_text(const Plan& plan, const Tree& tree) {
  std::string checksums, pairs, entries;
  const auto entry = [&](const std::string& name, std::string_view dtype, const std::string& shape,
                         int64_t begin, int64_t bytes) {
    return fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{},{}]}}", json_string(name),
                       dtype, shape, begin, begin + bytes);
  };
  size_t filler = 0;
  const auto fillers_before = [&](int64_t begin) {
    for (; filler < plan.fillers.size() && plan.fillers[filler].begin < begin; ++filler) {
      const auto& [at, bytes] = plan.fillers[filler];
      entries +=
          entry(fmt::format("{}{}", kFillerPrefix, filler), "U8", fmt::format("[{}]", bytes), at, bytes);
    }
  };
  for (const Block& block : plan.blocks) {
    fillers_before(block.begin);
    const DType dtype = block.source.dtype();
    std::string shape = to_string(block.source.shape());
    if (dtype == DType::complex128) {
      shape.insert(shape.size() - 1, block.source.dim() == 0 ? "2" : ",2");
      pairs += (pairs.empty() ? "" : ",") + json_string(block.name);
    }
    checksums +=
        (checksums.empty() ? "" : ",") + json_string(block.name) + ":\"" + hex(block.checksum) + "\"";
    entries += entry(block.name, format_name(dtype), shape, block.begin, block.bytes);
  }

  const std::string document =
      fmt::format("{{\"version\":{},\"crc32c\":{{{}}},\"complex128\":[{}],\"value\":{}}}", tree.version,
                  checksums, pairs, tree.text);
  std::string text(kHeaderStart);
  text += std::string(kChecksumDigits, '0');
  text += "\",\"kiln\":" + json_string(document) + ",\"format\":\"pt\"}" + entries + "}";
  const size_t used = (size_t(kLengthBytes) + text.size()) % size_t(kAlignment);
  if (used != 0) text.append(size_t(kAlignment) - used, ' ');
  // The header's own checksum is taken with zeros in its place.
  const std::string digits = hex(crc32c(text.data(), text.size()));
  std::ranges::copy(digits, text.begin() + ptrdiff_t(kHeaderStart.size()));
  return text;
}

void write_block(AtomicFile& file, int64_t data_begin, Block& block) {
  int64_t at = data_begin + block.begin;
  each_piece(block.source, [&](const char* data, int64_t bytes) {
    block.checksum = crc32c(data, size_t(bytes), block.checksum);
    file.write(at, data, bytes);
    at += bytes;
  });
}

}  // namespace

void write_state_file(const std::string& path, const Value& value, const SaveOptions& options) {
  Plan plan = plan_blocks(value, options);
  const Tree tree = tree_text(value, plan);
  const uint64_t length = header_text(plan, tree).size();
  if (length > uint64_t(kHeaderLimit))
    fail(
        "save: '{}' would have a header of {} bytes, the limit is {}; store long strings, bytes and lists of "
        "numbers as tensors",
        path, length, kHeaderLimit);

  const int64_t data_begin = kLengthBytes + int64_t(length);
  AtomicFile file(path, data_begin + plan.bytes);
  for (Block& block : plan.blocks) write_block(file, data_begin, block);
  const std::string header = header_text(plan, tree);
  file.write(0, &length, kLengthBytes);
  file.write(kLengthBytes, header.data(), int64_t(header.size()));
  file.commit();
}

}  // namespace kiln::io
