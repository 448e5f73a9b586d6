#include <kiln/data/sets/idx.h>

#include <algorithm>
#include <optional>

#include <kiln/data/sets/file.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

std::optional<DType> dtype_of_code(uint8_t code) {
  switch (code) {
    case 0x08:
      return uint8;
    case 0x09:
      return int8;
    case 0x0B:
      return int16;
    case 0x0C:
      return int32;
    case 0x0D:
      return float32;
    case 0x0E:
      return float64;
    default:
      return std::nullopt;
  }
}

Shape read_shape(FileReader& file, int rank, int64_t element_bytes) {
  Shape shape;
  int64_t bytes = element_bytes;
  for (int d = 0; d < rank; ++d) {
    uint8_t raw[4];
    file.read(raw, 4, "the header");
    shape.push_back(int64_t(raw[0]) << 24 | raw[1] << 16 | raw[2] << 8 | raw[3]);
    if (__builtin_mul_overflow(bytes, shape.back(), &bytes) || bytes > file.most_bytes())
      fail("{}: cut short or damaged: its header tells {} or more elements of {} bytes, which it cannot hold",
           file.path(), shape, element_bytes);
  }
  return shape;
}

}  // namespace

Tensor read_idx(const std::string& path) {
  FileReader file(path);
  uint8_t magic[4];
  file.read(magic, 4, "the header");
  const std::optional<DType> dtype = dtype_of_code(magic[2]);
  if (magic[0] != 0 || magic[1] != 0 || !dtype)
    fail(
        "{}: not an IDX file: it begins with bytes {} {} {} {}, expected 0 0, a type of 8 .. 14 and the rank",
        path, magic[0], magic[1], magic[2], magic[3]);
  if (magic[3] > kMaxRank)
    fail("{}: an IDX file of rank {}, at most {} are supported", path, magic[3], kMaxRank);
  const int64_t element = size_of(*dtype);
  const Shape shape = read_shape(file, magic[3], element);
  Tensor x = empty(shape, {.dtype = *dtype, .device = cpu});
  char* bytes = static_cast<char*>(x.raw_data());
  file.read(bytes, x.numel() * element, "the data");
  file.expect_end();
  if (element > 1)
    for (int64_t i = 0; i < x.numel(); ++i) std::reverse(bytes + i * element, bytes + (i + 1) * element);
  return x;
}

}  // namespace kiln::data
