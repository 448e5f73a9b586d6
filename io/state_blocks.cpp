#include <kiln/io/state_blocks.h>

#include <algorithm>
#include <cstring>

#include <kiln/io/crc32c.h>
#include <kiln/tensor/element.h>

namespace kiln::io {
namespace {

void release_mapping(void* owner) { delete static_cast<Ref<Storage>*>(owner); }

// A layout with the row-major one's shape whose elements fill a dense block in another order of dimensions.
bool permutes(const Dims& strides, const Shape& shape) {
  if (strides.rank() != shape.rank()) return false;
  const Layout layout = {shape, strides, 0};
  for (const int64_t stride : strides)
    if (stride < 0) return false;
  return layout.is_dense();
}

}  // namespace

BlockReader::BlockReader(const InputFile& file, const StateHeader& header, const LoadOptions& options)
    : file_(file),
      header_(header),
      options_(options),
      contents_(header.entries.size()),
      permuted_(contents_.size()) {
  for (size_t i = 0; i < header.entries.size(); ++i) index_.emplace(header.entries[i].name, i);
  if (options.map) mapping_ = file.map();
}

const HeaderEntry& BlockReader::entry(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end())
    fail("load: the value tree of '{}' names '{}', which is not in it", file_.path(), name);
  return header_.entries[found->second];
}

const Ref<Storage>& BlockReader::content(const HeaderEntry& entry) {
  Ref<Storage>& content = contents_[size_t(&entry - header_.entries.data())];
  if (!content) {
    uint32_t checksum = 0;
    content = read(entry, &checksum);
    check(entry, *content, checksum);
  }
  return content;
}

Ref<Storage> BlockReader::read(const HeaderEntry& entry, uint32_t* checksum) const {
  const int64_t begin = header_.data_begin + entry.begin, bytes = entry.end - entry.begin;
  // Other writers may leave elements unaligned; those are copied.
  if (mapping_ && bytes > 0 && begin % size_of(entry.dtype) == 0) {
    char* data = static_cast<char*>(mapping_->data) + begin;
    if (takes_checksums()) *checksum = crc32c(data, size_t(bytes));
    return Storage::adopt(data, bytes, cpu, new Ref<Storage>(mapping_), release_mapping);
  }
  Ref<Storage> storage = Storage::allocate(bytes, cpu);
  auto* to = static_cast<char*>(storage->data);
  constexpr int64_t kPiece = 128 << 10;  // is still in the cache when its checksum is taken
  for (int64_t at = 0; at < bytes; at += kPiece) {
    const int64_t piece = std::min(kPiece, bytes - at);
    file_.read(begin + at, piece, to + at);
    if (takes_checksums()) *checksum = crc32c(to + at, size_t(piece), *checksum);
  }
  return storage;
}

void BlockReader::check(const HeaderEntry& entry, const Storage& storage, uint32_t checksum) const {
  if (takes_checksums() && checksum != entry.checksum)
    fail("load: '{}' is damaged: the checksum of '{}' is {:08x}, its bytes give {:08x}", file_.path(),
         entry.name, entry.checksum, checksum);
  // Any other byte in a bool is undefined behaviour in C++.
  const auto* bytes = static_cast<const unsigned char*>(storage.data);
  if (entry.dtype == bool8 &&
      std::any_of(bytes, bytes + storage.bytes, [](unsigned char b) { return b > 1; }))
    fail("load: '{}' is damaged: '{}' is bool and has a byte that is neither 0 nor 1", file_.path(),
         entry.name);
}

Tensor BlockReader::whole(const std::string& name) {
  const HeaderEntry& found = entry(name);
  return from_storage(content(found), found.dtype, Layout::contiguous(found.shape));
}

Dims BlockReader::numbers(const Value& node, const char* key) const {
  const Value* list = node.find(key);
  Dims result;
  bool good = list != nullptr && list->is_list() && list->size() <= size_t(kMaxRank);
  for (size_t i = 0; good && i < list->size(); ++i) {
    good = list->items()[i].is_int() && list->items()[i].as_int() >= 0;
    if (good) result.push_back(list->items()[i].as_int());
  }
  if (!good) fail("load: the value tree of '{}' has a tensor without proper {}", file_.path(), key);
  return result;
}

Tensor BlockReader::tensor(const Value& node) {
  const Value& name = node.entries()[0].value;
  if (!name.is_string()) fail("load: the value tree of '{}' has a tensor without a name", file_.path());
  const HeaderEntry& found = entry(name.as_string());
  if (node.size() == 1) return whole(found.name);
  if (node.size() != 2) return view(found, node);

  const Strides strides = numbers(node, "strides");
  if (!permutes(strides, found.shape))
    fail("load: '{}' has '{}' of shape {} with strides {}, which are not dense", file_.path(), found.name,
         found.shape, strides);
  Tensor& permuted = permuted_[size_t(&found - header_.entries.data())];
  if (!permuted.defined()) {
    const auto* from = static_cast<const char*>(content(found)->data);
    const size_t width(size_of(found.dtype));
    Ref<Storage> storage = Storage::allocate(found.end - found.begin, cpu);
    auto* to = static_cast<char*>(storage->data);
    const Layout layout = {found.shape, strides, 0};
    for_each_offset(layout, [&](int64_t offset) {
      std::memcpy(to + offset * int64_t(width), from, width);
      from += width;
    });
    permuted = from_storage(std::move(storage), found.dtype, layout);
  }
  return from_storage(permuted.impl()->storage, found.dtype, permuted.layout());
}

Tensor BlockReader::view(const HeaderEntry& entry, const Value& node) {
  const Value *dtype_name = node.find("dtype"), *offset = node.find("offset");
  if (dtype_name == nullptr || !dtype_name->is_string() || offset == nullptr || !offset->is_int() ||
      offset->as_int() < 0)
    fail("load: the value tree of '{}' has a view of '{}' without dtype and offset", file_.path(),
         entry.name);
  int number = 0;
  while (number < kDTypeCount && name_of(DType(number)) != dtype_name->as_string()) ++number;
  if (number == kDTypeCount)
    fail("load: the value tree of '{}' has a view of '{}' with the dtype '{}', which Kiln does not have",
         file_.path(), entry.name, dtype_name->as_string());
  const auto dtype = DType(number);
  const Layout layout = {numbers(node, "shape"), numbers(node, "strides"), offset->as_int()};

  // The index of the last element reached, in arithmetic that cannot overflow.
  const int64_t available = (entry.end - entry.begin) / size_of(dtype);
  bool fits = layout.shape.rank() == layout.strides.rank() && layout.offset <= available;
  bool is_empty = false;
  int64_t count = 1, last = layout.offset;
  for (int d = 0; fits && d < layout.rank(); ++d) {
    int64_t step = 0;
    is_empty |= layout.shape[d] == 0;
    fits = !__builtin_mul_overflow(count, std::max<int64_t>(layout.shape[d], 1), &count) &&
           !__builtin_mul_overflow(std::max<int64_t>(layout.shape[d] - 1, 0), layout.strides[d], &step) &&
           !__builtin_add_overflow(last, step, &last);
  }
  if (!fits || (!is_empty && last >= available))
    fail(
        "load: '{}' has a view with shape {}, strides {} and offset {} that reaches beyond the {} elements "
        "of '{}'",
        file_.path(), layout.shape, layout.strides, layout.offset, available, entry.name);
  const Ref<Storage>& storage = content(entry);
  const Tensor result = from_storage(storage, dtype, layout);
  const auto* first = static_cast<const unsigned char*>(result.raw_data());
  bool allowed = reinterpret_cast<uintptr_t>(storage->data) % uintptr_t(size_of(dtype)) == 0;
  if (dtype == bool8 && entry.dtype != bool8) {
    if (count <= available)
      for_each_offset(layout, [&](int64_t at) { allowed = allowed && first[at] <= 1; });
    else  // elements that share bytes may be more than anyone can look at
      allowed = allowed && (is_empty || std::all_of(first, first + last - layout.offset + 1,
                                                    [](unsigned char b) { return b <= 1; }));
  }
  if (!allowed)
    fail("load: '{}' has a view of '{}' as {}, which its bytes do not allow", file_.path(), entry.name,
         dtype);
  return result;
}

}  // namespace kiln::io
