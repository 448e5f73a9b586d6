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
    if (tag == "tensor") return keep(blocks_.tensor(node));
    if (tag == "meta") return keep(blocks_.without_elements(node));
    if (tag == "same") return keep(same(content));
    if (tag == "object") return object(node);
    if (tag == "value") return with_attributes(node);
    if (node.size() != 1) bad("an object of " + std::to_string(node.size()) + " members");
    if (tag == "dict") return dict(content);
    if (tag == "tuple" && content.is_list()) return Value::tuple(items(content));
    if (tag == "float" && content.is_string()) return special(content.as_string());
    if (tag == "string") return text(content);
    if (tag == "bytes") return Value::Bytes{text(content)};
    bad("the tag '" + to_string(tag) + "'");
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
    std::vector<Value::Entry> entries = read_entries(pairs);
    return checked([&] { return Value::dict(std::move(entries)); });
  }

  // {"object": class, "entries": pairs}
  Value object(const Value& node) {
    const Value* pairs = node.size() == 2 ? node.find("entries") : nullptr;
    if (pairs == nullptr) bad("an object without entries");
    const Value type = read(node.entries()[0].value);
    if (!type.is_string()) bad("an object whose class is not a string");
    std::vector<Value::Entry> entries = read_entries(*pairs);
    return checked([&] { return Value::object(type.as_string(), std::move(entries)); });
  }

  // {"value": what it is, "attributes": a dict or object}
  Value with_attributes(const Value& node) {
    const Value* content = node.size() == 2 ? node.find("attributes") : nullptr;
    if (content == nullptr) bad("a value without its attributes");
    Value value = read(node.entries()[0].value), attributes = read(*content);
    if (value.kind() < Value::Kind::tensor || (!attributes.is_dict() && !attributes.is_object()))
      bad("attributes that are no dict, or of a value that has none");
    value.set_attributes(std::move(attributes));
    return value;
  }

  Value keep(Tensor tensor) {
    tensors_.push_back(std::move(tensor));
    return tensors_.back();
  }
  const Tensor& same(const Value& number) const {
    if (!number.is_int() || number.as_int() < 0 || size_t(number.as_int()) >= tensors_.size())
      bad("a tensor that should be one before it, and there is none of that number");
    return tensors_[size_t(number.as_int())];
  }

  std::vector<Value::Entry> read_entries(const Value& pairs) {
    if (!pairs.is_list()) bad("a dict that is not a list");
    std::vector<Value::Entry> entries;
    entries.reserve(pairs.size());
    for (const Value& pair : pairs.items()) {
      if (!pair.is_list() || pair.size() != 2) bad("a dict's entry that is not a pair");
      Value::Key key(read(pair.items()[0]));
      entries.push_back({std::move(key), read(pair.items()[1])});
    }
    return entries;
  }

  template <class F>
  Value checked(F&& make) const {
    try {
      return make();
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
  std::vector<Tensor> tensors_;  // in their order in the tree
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
  if (options.outline != nullptr && options.verify)
    options.outline->checks.push_back(
        [path = file.path(), header] { check_blocks(InputFile(path), header); });
  if (header.is_plain) {
    std::vector<Value::Entry> entries;
    for (const HeaderEntry& entry : header.entries) entries.push_back({entry.name, blocks.value(entry)});
    Value value = Value::dict(std::move(entries));
    if (!header.metadata.is_none()) value.set_attributes({{kMetadataName, header.metadata}});
    return value;
  }
  return TreeReader(file.path(), blocks).read(header.tree);
}

}  // namespace kiln::io
