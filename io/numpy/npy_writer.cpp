#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/bytes/pieces.h>
#include <kiln/io/state/named_tensors.h>
#include <kiln/io/writers.h>
#include <kiln/io/zip/zip.h>
#include <kiln/io/zip/zip_writer.h>

namespace kiln::io {
namespace {

constexpr size_t kHeaderMultiple = 64;  // bytes; the elements begin there
constexpr const char* kEnding = ".npy";

std::string numpy_type(const std::string& path, const std::string& name, DType dtype) {
  const int64_t bytes = size_of(dtype);
  switch (dtype) {
    case DType::bfloat16:
    case DType::float8_e4m3fn:
    case DType::float8_e5m2:
      fail("save: '{}' cannot hold '{}': NumPy has no {}; convert it to float32 first", path, name, dtype);
    case DType::bool8:
      return "|b1";
    case DType::int8:
      return "|i1";
    case DType::uint8:
      return "|u1";
    case DType::complex64:
    case DType::complex128:
      return fmt::format("<c{}", bytes);
    case DType::uint16:
    case DType::uint32:
    case DType::uint64:
      return fmt::format("<u{}", bytes);
    default:
      return fmt::format("<{}{}", is_floating(dtype) ? 'f' : 'i', bytes);
  }
}

// NumPy's NEP 1, version 1.0.
std::string header(const std::string& path, const std::string& name, const Tensor& x) {
  std::string shape;
  for (const int64_t size : x.shape()) shape += fmt::format("{},", size);
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 numpy_type(path, name, x.dtype()), shape);
  const std::string magic("\x93NUMPY\1\0", 8);
  while ((magic.size() + 2 + text.size() + 1) % kHeaderMultiple != 0) text += ' ';
  text += '\n';
  return magic + little_endian(text.size(), 2) + text;
}

}  // namespace

void write_npy(const std::string& path, const Value& value, const SaveOptions&) {
  if (!value.is_tensor())
    fail("save: '{}' holds one tensor, the value is a {}; save to .npz, .kiln or .pth", path,
         name_of(value.kind()));
  const Tensor& x = value.as_tensor();
  check_on_cpu("the tensor", x);
  const std::string head = header(path, "the tensor", x);
  auto at = int64_t(head.size());
  AtomicFile file(path, at + x.numel() * size_of(x.dtype()));
  file.write(0, head.data(), at);
  each_piece(x, [&](const char* data, int64_t bytes) {
    file.write(at, data, bytes);
    at += bytes;
  });
  file.commit();
}

void write_npz(const std::string& path, const Value& value, const SaveOptions&) {
  const auto tensors = named_tensors(path, value);
  check_record_count(path, int64_t(tensors.size()));
  std::vector<std::string> heads;
  int64_t total = 0;
  for (const auto& [name, x, itself, raw, shape] : tensors) {
    if (raw != nullptr) fail("save: '{}' cannot hold '{}': NumPy has no {}", path, name, raw->type);
    if (!is_plain_path(name + kEnding))
      fail(
          "save: '{}' cannot hold '{}': a name in it is a path with '/', not absolute, without '..', '\\\\' "
          "and NUL; "
          "rename it, or save to .kiln, .pth or .safetensors",
          path, name);
    heads.push_back(header(path, name, x));
    total += x.numel() * size_of(x.dtype()) + int64_t(heads.back().size());
  }
  ZipWriter zip(path, total);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::string& name = tensors[i].name;
    const Tensor& x = tensors[i].tensor;
    zip.begin(name + kEnding, int64_t(heads[i].size()) + x.numel() * size_of(x.dtype()));
    zip.write(heads[i].data(), int64_t(heads[i].size()));
    each_piece(x, [&](const char* data, int64_t bytes) { zip.write(data, bytes); });
    zip.end();
  }
  zip.commit();
}

}  // namespace kiln::io
