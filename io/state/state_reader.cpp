#include <cstring>
#include <limits>

#include <kiln/io/bytes/crc32c.h>
#include <kiln/io/format.h>
#include <kiln/io/state/state_blocks.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

// The value from its tree. Depth is bounded by the parser's limit.
class TreeReader {
 public:
  TreeReader(const std::string& path, BlockReader& blocks) : path_(path), blocks_(blocks) {}

  Value read(const Value& node) {
    if (node.is_list()) return Value::list(items(node));
    if (!node.is_dict()) return node;
    if (node.size() == 0) bad("an empty object");
    const auto& [tag, content] = node.entries()[0];
    if (tag == "tensor") return blocks_.tensor(node);
    if (node.size() != 1) bad("an object of " + std::to_string(node.size()) + " members");
    if (tag == "dict") return dict(content);
    if (tag == "tuple" && content.is_list()) return Value::tuple(items(content));
    if (tag == "float" && content.is_string()) return special(content.as_string());
    if (tag == "string") return text(content);
    if (tag == "bytes") return Value::Bytes{text(content)};
    bad("the tag '" + tag.text() + "'");
  }

 private:
  [[noreturn]] void bad(const std::string& what) const {
    fail("load: '{}' has {} in its value tree", path_, what);
  }

  std::vector<Value> items(const Value& node) {
    std::vector<Value> result;
    result.reserve(node.size());
    for (const Value& item : node.items()) result.push_back(read(item));
    return result;
  }

  Value dict(const Value& pairs) {
    if (!pairs.is_list()) bad("a dict that is not a list");
    std::vector<Value::Entry> entries;
    entries.reserve(pairs.size());
    for (const Value& pair : pairs.items()) {
      if (!pair.is_list() || pair.size() != 2) bad("a dict's entry that is not a pair");
      const Value key = read(pair.items()[0]);
      if (!key.is_int() && !key.is_string()) bad("a key that is neither int nor string");
      Value value = read(pair.items()[1]);
      if (key.is_int())
        entries.push_back({key.as_int(), std::move(value)});
      else
        entries.push_back({key.as_string(), std::move(value)});
    }
    try {
      return Value::dict(std::move(entries));
    } catch (const Error& error) {
      fail("load: '{}' is refused: {}", path_, error.what());
    }
  }

  double special(const std::string& name) const {
    if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (name == "inf") return std::numeric_limits<double>::infinity();
    if (name == "-inf") return -std::numeric_limits<double>::infinity();
    bad("the float '" + name + "'");
  }

  std::string text(const Value& digits) const {
    std::string bytes;
    if (!digits.is_string() || !from_hex(digits.as_string(), &bytes)) bad("bytes that are not hex digits");
    return bytes;
  }

  const std::string& path_;
  BlockReader& blocks_;
};

uint64_t length_in(std::string_view head) {
  uint64_t length = 0;
  std::memcpy(&length, head.data(), sizeof length);
  return length;
}

}  // namespace

bool is_state_file(std::string_view head, int64_t size) {
  if (size <= kLengthBytes || head[size_t(kLengthBytes)] != '{') return false;
  // A header that would reach beyond the file is left to the reader, which can say so, when it looks like
  // one.
  return length_in(head) <= uint64_t(size - kLengthBytes) ||
         head.substr(size_t(kLengthBytes)).starts_with("{\"");
}

Value read_state_file(const InputFile& file, const ReadOptions& options) {
  const uint64_t length = length_in(file.read(0, kLengthBytes));
  const int64_t available = file.size() - kLengthBytes;
  if (length > uint64_t(available))
    fail("load: '{}' is incomplete or damaged: its header should have {} bytes, {} follow", file.path(),
         length, available);
  if (length > uint64_t(kHeaderLimit))
    fail("load: '{}' has a header of {} bytes, the limit is {}", file.path(), length, kHeaderLimit);
  const StateHeader header = read_state_header(file, int64_t(length));
  if (options.outline != nullptr) options.outline->metadata = header.metadata;
  const Source source(file, options);
  BlockReader blocks(source, header, options);
  if (header.is_plain) {
    std::vector<Value::Entry> entries;
    for (const HeaderEntry& entry : header.entries) entries.push_back({entry.name, blocks.whole(entry.name)});
    return Value::dict(std::move(entries));
  }
  return TreeReader(file.path(), blocks).read(header.tree);
}

}  // namespace kiln::io
