#include <kiln/io/state/state_blocks.h>

#include <algorithm>
#include <cstring>

#include <kiln/io/bytes/check_layout.h>
#include <kiln/io/bytes/crc32c.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::io {
namespace {

// A layout with the row-major one's shape whose elements fill a dense block in another order of dimensions.
bool permutes(const Dims& strides, const Shape& shape) {
  if (strides.rank() != shape.rank()) return false;
  const Layout layout = {shape, strides, 0};
  for (const int64_t stride : strides)
    if (stride < 0) return false;
  return layout.is_dense();
}

void check_checksum(const std::string& where, const HeaderEntry& entry, uint32_t checksum) {
  if (checksum != entry.checksum)
    fail("{} is damaged: the checksum of '{}' is {:08x}, its bytes give {:08x}", where, entry.name,
         entry.checksum, checksum);
}

// Any other byte in a bool is undefined behaviour in C++.
void check_bools(const std::string& where, const HeaderEntry& entry, const void* data, int64_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  if (entry.dtype == bool8 && std::any_of(bytes, bytes + size, [](unsigned char b) { return b > 1; }))
    fail("{} is damaged: '{}' is bool and has a byte that is neither 0 nor 1", where, entry.name);
}

Ref<Storage> read_block(const Source& source, const HeaderEntry& entry, int64_t data_begin, bool verifies) {
  Checksum checksum = {crc32c};
  Ref<Storage> storage = source.storage(data_begin + entry.begin, entry.end - entry.begin,
                                        size_of(entry.dtype), verifies ? &checksum : nullptr);
  if (verifies) check_checksum(source.name(), entry, checksum.value);
  check_bools(source.name(), entry, storage->data, storage->bytes);
  return storage;
}

// Row-major elements, laid out as the strides say.
Ref<Storage> permuted(const Ref<Storage>& content, DType dtype, const Layout& layout) {
  const auto* from = static_cast<const char*>(content->data);
  const size_t width(size_of(dtype));
  Ref<Storage> storage = Storage::allocate(content->bytes, cpu);
  auto* to = static_cast<char*>(storage->data);
  for_each_offset(layout, [&](int64_t offset) {
    std::memcpy(to + offset * int64_t(width), from, width);
    from += width;
  });
  return storage;
}

}  // namespace

void check_blocks(const InputFile& file, const StateHeader& header) {
  const std::string where = fmt::format("load: '{}'", file.path());
  constexpr int64_t kPiece = 256 << 10;
  std::vector<char> piece(static_cast<size_t>(kPiece));
  for (const HeaderEntry& entry : header.entries) {
    uint32_t checksum = 0;
    for (int64_t at = entry.begin; at < entry.end; at += kPiece) {
      const int64_t bytes = std::min(kPiece, entry.end - at);
      file.read(header.data_begin + at, bytes, piece.data());
      checksum = crc32c(piece.data(), size_t(bytes), checksum);
      check_bools(where, entry, piece.data(), bytes);
    }
    if (!header.is_plain) check_checksum(where, entry, checksum);
  }
}

BlockReader::BlockReader(const Source& source, const StateHeader& header, const ReadOptions& options)
    : source_(source),
      header_(header),
      options_(options),
      contents_(header.entries.size()),
      permuted_(contents_.size()) {
  for (size_t i = 0; i < header.entries.size(); ++i) index_.emplace(header.entries[i].name, i);
}

const HeaderEntry& BlockReader::entry(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end())
    fail("{} names '{}' in its value tree, which it does not have", source_.name(), name);
  return header_.entries[found->second];
}

const Ref<Storage>& BlockReader::content(const HeaderEntry& entry) {
  Ref<Storage>& content = contents_[size_t(&entry - header_.entries.data())];
  if (content) return content;
  const bool verifies = !header_.is_plain && options_.verify;
  const int64_t begin = header_.data_begin;
  if (!source_.is_outline())
    content = read_block(source_, entry, begin, verifies);
  else
    content = source_.later(entry.end - entry.begin, [source = source_, entry, begin, verifies] {
      return read_block(source, entry, begin, verifies);
    });
  return content;
}

Tensor BlockReader::whole(const std::string& name) {
  const HeaderEntry& found = entry(name);
  return from_storage(content(found), found.dtype, Layout::contiguous(found.shape));
}

Value BlockReader::value(const HeaderEntry& entry) {
  Tensor content = whole(entry.name);
  if (entry.raw == nullptr) return content;
  std::vector<Value::Entry> parts = {{"values", std::move(content)}};
  if (entry.shape.rank() != entry.raw_shape.rank())
    parts.push_back(
        {"shape", Value::tuple(std::vector<Value>(entry.raw_shape.begin(), entry.raw_shape.end()))});
  return Value::object(std::string(entry.raw->type), std::move(parts));
}

Dims BlockReader::numbers(const Value& node, const char* key) const {
  const Value* list = node.find(key);
  Dims result;
  bool good = list != nullptr && list->is_list() && list->size() <= size_t(kMaxRank);
  for (size_t i = 0; good && i < list->size(); ++i) {
    good = list->items()[i].is_int() && list->items()[i].as_int() >= 0;
    if (good) result.push_back(list->items()[i].as_int());
  }
  if (!good) fail("{} has a tensor without proper {} in its value tree", source_.name(), key);
  return result;
}

Tensor BlockReader::tensor(const Value& node) {
  const Value& name = node.entries()[0].value;
  if (!name.is_string()) fail("{} has a tensor without a name in its value tree", source_.name());
  const HeaderEntry& found = entry(name.as_string());
  if (node.size() == 1) return whole(found.name);
  if (node.size() != 2) return view(found, node);

  const Strides strides = numbers(node, "strides");
  if (!permutes(strides, found.shape))
    fail("{} has '{}' of shape {} with strides {}, which are not dense", source_.name(), found.name,
         found.shape, strides);
  // Without elements any strides are dense, also those that reach further than can be counted.
  check_layout({found.shape, strides, 0}, (found.end - found.begin) / size_of(found.dtype),
               fmt::format("{}, '{}'", source_.name(), found.name));
  Tensor& known = permuted_[size_t(&found - header_.entries.data())];
  if (!known.defined()) {
    const Layout layout = {found.shape, strides, 0};
    Ref<Storage> memory =
        source_.later(found.end - found.begin, [content = content(found), dtype = found.dtype, layout] {
          return permuted(data_of(content), dtype, layout);
        });
    known = from_storage(std::move(memory), found.dtype, layout);
  }
  return from_storage(known.impl()->storage, found.dtype, known.layout());
}

DType BlockReader::dtype_of(const Value& word, const std::string& what) const {
  const std::string name = word.is_string() ? word.as_string() : "";
  for (int number = 0; number < kDTypeCount; ++number)
    if (name_of(DType(number)) == name) return DType(number);
  fail("{} has {} with the dtype '{}' in its value tree, which Kiln does not have", source_.name(), what,
       name);
}

Tensor BlockReader::without_elements(const Value& node) const {
  const std::string what = "a tensor without elements";
  const DType dtype = dtype_of(node.entries()[0].value, what);
  const Layout layout = {numbers(node, "shape"), numbers(node, "strides"), 0};
  check_layout(layout, INT64_MAX / size_of(dtype), source_.name() + ", " + what);
  const int64_t bytes = layout.span() * size_of(dtype);
  return from_storage(without_memory(bytes), dtype, layout);
}

Tensor BlockReader::view(const HeaderEntry& entry, const Value& node) {
  const Value *dtype_name = node.find("dtype"), *offset = node.find("offset");
  if (dtype_name == nullptr || !dtype_name->is_string() || offset == nullptr || !offset->is_int() ||
      offset->as_int() < 0)
    fail("{} has a view of '{}' without dtype and offset in its value tree", source_.name(), entry.name);
  const DType dtype = dtype_of(*dtype_name, fmt::format("a view of '{}'", entry.name));
  const Layout layout = {numbers(node, "shape"), numbers(node, "strides"), offset->as_int()};

  const int64_t available = (entry.end - entry.begin) / size_of(dtype);
  check_layout(layout, available, fmt::format("{}, a view of '{}'", source_.name(), entry.name));
  const Ref<Storage>& storage = content(entry);
  const Tensor result = from_storage(storage, dtype, layout);
  if (!result.device().is_cpu()) return result;
  const auto* first = static_cast<const unsigned char*>(result.raw_data());
  bool allowed = reinterpret_cast<uintptr_t>(storage->data) % uintptr_t(size_of(dtype)) == 0;
  if (dtype == bool8 && entry.dtype != bool8) {
    if (layout.numel() <= available)
      for_each_offset(layout, [&](int64_t at) { allowed = allowed && first[at] <= 1; });
    else  // elements that share bytes may be more than anyone can look at
      allowed = allowed && std::all_of(first, first + layout.span(), [](unsigned char b) { return b <= 1; });
  }
  if (!allowed)
    fail("{} has a view of '{}' as {}, which its bytes do not allow", source_.name(), entry.name, dtype);
  return result;
}

}  // namespace kiln::io
