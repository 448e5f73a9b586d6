#include <algorithm>

#include <kiln/io/bytes/sizes.h>
#include <kiln/io/format.h>
#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/io/pickle/pickle_numpy.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

using namespace std::string_view_literals;
constexpr std::string_view kMagic = "\x93NUMPY"sv;

// What stands behind 'name': in the header, which is a literal of a Python dict. Of two Python takes the
// last; numpy writes one.
std::string_view member(std::string_view header, std::string_view name) {
  const std::string key = fmt::format("'{}':", name);
  const size_t at = header.find(key);
  if (at == header.npos || header.find(key, at + 1) != header.npos) return {};
  header.remove_prefix(at + name.size() + 3);
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

bool read_shape(std::string_view text, Shape* shape) {
  if (!text.starts_with('(') || text.find(')') == text.npos) return false;
  text = text.substr(1, text.find(')') - 1);
  int64_t number = -1;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      number = std::max<int64_t>(number, 0);
      if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, c - '0', &number))
        return false;
    } else if (c == ',' && number >= 0 && shape->rank() < kMaxRank) {
      shape->push_back(number);
      number = -1;
    } else if (c != ' ' && c != 'L') {
      return false;
    }
  }
  if (number < 0) return true;
  if (shape->rank() == kMaxRank) return false;
  shape->push_back(number);
  return true;
}

std::string_view text_of(const Ref<Storage>& bytes) {
  return {static_cast<const char*>(bytes->data), size_t(bytes->bytes)};
}

// An npy file: its text as far as it was read, which is the header at least, and how to get all of it for the
// data.
struct NpyFile {
  std::string_view text;
  int64_t bytes = 0;  // in all
  std::string where;
  Outline::Read content;
};

// The data of an npy file as a tensor's storage.
Ref<Storage> data_in(const Ref<Storage>& file, size_t begin, DType dtype, bool swapped) {
  const std::string_view data(static_cast<const char*>(file->data) + begin, size_t(file->bytes) - begin);
  const bool aligned = reinterpret_cast<uintptr_t>(data.data()) % uintptr_t(size_of(dtype)) == 0;
  if (swapped || dtype == bool8 || !aligned || data.empty())
    return tensor_from_numpy({int64_t(data.size()) / size_of(dtype)}, dtype, swapped, false, data)
        .impl()
        ->storage;
  return part_of(file, int64_t(begin), int64_t(data.size()));
}

constexpr size_t kVersionAt = 6, kLengthAt = 8;

// Of the text as far as it is there, of a file of so many bytes.
size_t begin_of_data(std::string_view text, int64_t bytes, const std::string& where) {
  const int version = text.size() > kLengthAt ? text[kVersionAt] : 0;
  const size_t length_bytes = version == 1 ? 2 : 4, head = kLengthAt + length_bytes;
  if (!text.starts_with(kMagic) || version < 1 || version > 3 || text.size() < head)
    fail("{} is not an npy file of version 1 to 3", where);
  size_t length = 0;
  for (size_t i = length_bytes; i-- > 0;) length = length << 8 | uint8_t(text[kLengthAt + i]);
  if (length > size_t(bytes) - head) fail("{} is incomplete: its header should have {} bytes", where, length);
  return head + length;
}

// (numpy/lib/format.py: versions 1 to 3)
Value read_npy(const NpyFile& file, const Source& source, const ReadOptions& options) {
  const std::string& where = file.where;
  const size_t begin = begin_of_data(file.text, file.bytes, where);
  const size_t head = file.text[kVersionAt] == 1 ? kLengthAt + 2 : kLengthAt + 4;
  const std::string_view header = file.text.substr(head, begin - head);
  const int64_t data_bytes = file.bytes - int64_t(begin);

  Shape shape;
  const std::string_view type = member(header, "descr"), order = member(header, "fortran_order");
  if (type.empty() || !read_shape(member(header, "shape"), &shape) ||
      (!order.starts_with("True") && !order.starts_with("False")))
    fail("{} has a header without proper descr, fortran_order and shape (at most {} dimensions): {}", where,
         kMaxRank, quotable(header));
  const bool fortran = order.starts_with("True");
  const std::string_view name =
      type.starts_with('\'') ? type.substr(1, std::min(type.find('\'', 1), type.size()) - 1) : "";
  constexpr int64_t kWidest = 16;
  if (!has_countable_bytes(shape, kWidest)) fail("{} has a shape that is too large: {}", where, shape);
  const int64_t count = numel(shape);
  DType dtype;
  if (name.size() < 2 || !dtype_from_numpy(name.substr(1), &dtype)) {  // structured, text, time or objects
    if (options.strict && name == "|O") fail("{} holds Python objects, which strict loading refuses", where);
    std::vector<Value> sizes(shape.begin(), shape.end());
    const bool is_record = name.empty() && count > 0 && data_bytes % count == 0;
    const Ref<Storage> content = file.content();
    return Value::object("numpy.ndarray",
                         {{"dtype", is_record ? fmt::format("|V{}", data_bytes / count) : std::string(name)},
                          {"shape", Value::tuple(std::move(sizes))},
                          {"data", Value::Bytes{std::string(text_of(content).substr(begin))}}});
  }
  const int64_t width = size_of(dtype);
  if (data_bytes % width != 0 || data_bytes / width != count)
    fail("{} has {} bytes of data, which does not fit {} of shape {}", where, data_bytes, dtype, shape);
  Layout layout = Layout::contiguous(shape);
  int64_t stride = 1;
  for (int d = 0; fortran && d < shape.rank(); ++d) {
    layout.strides[d] = stride;
    stride *= std::max<int64_t>(shape[d], 1);
  }
  Ref<Storage> memory =
      source.later(data_bytes, [content = file.content, begin, dtype, swapped = name[0] == '>'] {
        return data_in(content(), begin, dtype, swapped);
      });
  return from_storage(std::move(memory), dtype, layout);
}

}  // namespace

bool is_npy_file(std::string_view head, int64_t) { return head.starts_with(kMagic); }

Value read_npy_file(const InputFile& file, const ReadOptions& options) {
  const Source source(file, options);
  if (source.is_outline())
    return read_npy({source.view(0, source.size()), source.size(), source.name(),
                     [source] { return source.storage(0, source.size(), 1); }},
                    source, options);
  const Ref<Storage> content = source.storage(0, source.size(), 1);
  return read_npy({text_of(content), content->bytes, source.name(), [&] { return content; }}, source,
                  options);
}

Value read_npz(const Archive& archive, const Source& source, const ReadOptions& options) {
  std::vector<Value::Entry> entries;
  constexpr size_t kEnding = 4;    // ".npy"
  constexpr int64_t kHead = 1024;  // has the header of most
  for (const ZipArchive::Record& record : archive->records()) {
    const auto read = [archive, &record, verify = options.verify] {
      return archive->storage(record, 1, verify);
    };
    NpyFile file = {.bytes = record.size, .where = archive->where(record), .content = read};
    Ref<Storage> content;
    std::string head;
    if (source.is_outline()) {
      head = archive->head(record, kHead);
      if (const size_t begin = begin_of_data(head, record.size, file.where); begin > head.size())
        head = archive->head(record, int64_t(begin));
      file.text = head;
    } else {
      content = read();
      file.text = text_of(content);
      file.content = [content] { return content; };
    }
    entries.push_back({record.name.substr(0, record.name.size() - kEnding), read_npy(file, source, options)});
  }
  return Value::dict(std::move(entries));
}

}  // namespace kiln::io
