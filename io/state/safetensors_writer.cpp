#include <algorithm>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/pieces.h>
#include <kiln/io/state/named_tensors.h>
#include <kiln/io/state/state_format.h>
#include <kiln/io/writers.h>

namespace kiln::io {

void write_safetensors(const std::string& path, const Value& value, const SaveOptions&) {
  auto tensors = named_tensors(path, value);
  // Wide elements first: then each begins at a multiple of its size without any filler.
  std::ranges::stable_sort(tensors, [](const auto& a, const auto& b) {
    const int64_t wide = size_of(a.second.dtype()), other = size_of(b.second.dtype());
    return wide != other ? wide > other : a.first < b.first;
  });

  std::string header = R"({"__metadata__":{"format":"pt"})";
  int64_t end = 0;
  for (const auto& [name, x] : tensors) {
    if (x.dtype() == DType::complex128)
      fail("save: '{}' cannot hold '{}': safetensors has no complex128; save to .kiln or .pth", path, name);
    if (name == "__metadata__") fail("save: '{}' cannot hold a tensor named '{}'; rename it", path, name);
    const int64_t begin = end;
    end += x.numel() * size_of(x.dtype());
    header += fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{},{}]}}", json_string(name),
                          format_name(x.dtype()), x.shape(), begin, end);
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
  for (const auto& [name, x] : tensors)
    each_piece(x, [&](const char* data, int64_t bytes) {
      file.write(at, data, bytes);
      at += bytes;
    });
  file.commit();
}

}  // namespace kiln::io
