#include <algorithm>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/pieces.h>
#include <kiln/io/state/name_order.h>
#include <kiln/io/state/named_tensors.h>
#include <kiln/io/state/state_format.h>
#include <kiln/io/writers.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>

namespace kiln::io {

namespace {

// "" where a reader that sorts the tensors by type and name finds them in order.
std::string order_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string_view> names;
  bool one_type = true;
  for (const NamedTensor& next : tensors) {
    names.push_back(next.name);
    one_type = one_type && next.tensor.dtype() == tensors[0].tensor.dtype() && next.raw == tensors[0].raw;
  }
  return one_type && std::ranges::is_sorted(names) ? "" : order_text(names);
}

// {"format": "pt"} for readers that ask for it, what came with the tensors, and their order.
std::string metadata_text(const Value& value, const std::vector<NamedTensor>& tensors,
                          const std::string& path) {
  std::string text;
  bool has_format = false;
  const Value* own = value.attributes().is_none() ? nullptr : value.attributes().find(kMetadataName);
  if (own != nullptr && own->is_dict())
    for (const auto& [key, word] : own->entries()) {
      if (!key.is_text() || !word.is_string() || !is_utf8(key.text()) || !is_utf8(word.as_string()))
        fail("save: '{}' cannot hold '{}' in its __metadata__, which has texts only", path, to_string(key));
      if (key == kOrderName) continue;
      has_format |= key == "format";
      text += (text.empty() ? "" : ",") + json_string(key.text()) + ":" + json_string(word.as_string());
    }
  if (!has_format) text.insert(0, text.empty() ? R"("format":"pt")" : R"("format":"pt",)");
  if (const std::string order = order_of(tensors); !order.empty())
    text += fmt::format(",\"{}\":\"{}\"", kOrderName, order);
  return "{" + text + "}";
}

int64_t bytes_of(const NamedTensor& tensor) { return tensor.tensor.numel() * size_of(tensor.tensor.dtype()); }

}  // namespace

// The names are in the order of the value; their bytes are not: wide elements come first, so that each begins
// at a multiple of its size without any filler.
void write_safetensors(const std::string& path, const Value& value, const SaveOptions&) {
  const auto tensors = named_tensors(path, value);
  std::vector<size_t> order(tensors.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](size_t i) { return -size_of(tensors[i].tensor.dtype()); });
  std::vector<int64_t> begins(tensors.size());
  int64_t end = 0;
  for (const size_t i : order) {
    begins[i] = end;
    end += bytes_of(tensors[i]);
  }

  std::string header = fmt::format("{{\"{}\":{}", kMetadataName, metadata_text(value, tensors, path));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, x, itself, raw, shape] = tensors[i];
    if (x.dtype() == DType::complex128)
      fail("save: '{}' cannot hold '{}': safetensors has no complex128; save to .kiln or .pth", path, name);
    if (name == kMetadataName) fail("save: '{}' cannot hold a tensor named '{}'; rename it", path, name);
    header += fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{},{}]}}", json_string(name),
                          raw != nullptr ? raw->format : format_name(x.dtype()),
                          raw != nullptr ? shape : x.shape(), begins[i], begins[i] + bytes_of(tensors[i]));
  }
  header += '}';
  while ((size_t(kLengthBytes) + header.size()) % size_t(kAlignment) != 0) header += ' ';
  const uint64_t length = header.size();
  if (length > uint64_t(kHeaderLimit))
    fail("save: '{}' would have a header of {} bytes, the limit is {}", path, length, kHeaderLimit);

  int64_t at = kLengthBytes + int64_t(length);
  AtomicFile file(path, at + end);
  file.write(0, &length, kLengthBytes);
  file.write(kLengthBytes, header.data(), int64_t(length));
  for (const size_t i : order)
    each_piece(tensors[i].tensor, [&](const char* data, int64_t bytes) {
      file.write(at, data, bytes);
      at += bytes;
    });
  file.commit();
}

}  // namespace kiln::io
