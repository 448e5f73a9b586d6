#include <kiln/tensor/dtype/dtype.h>

#include <iterator>

#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

constexpr std::string_view kNames[kDTypeCount] = {
    "float32", "float64", "float16", "bfloat16",      "int64",      "int32",
    "int16",   "int8",    "uint8",   "bool",          "complex64",  "complex128",
    "uint16",  "uint32",  "uint64",  "float8_e4m3fn", "float8_e5m2"};

}  // namespace

std::string name_of(DType dtype) { return std::string(kNames[int(dtype)]); }

DType dtype_from_name(std::string_view name) {
  for (int i = 0; i < kDTypeCount; ++i)
    if (kNames[i] == name) return DType(i);
  fail("dtype: '{}' is not known", name);
}

DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (is_storage_only(a) || is_storage_only(b))
    fail("promote_types: {} and {} have no common type: {} is storage only", a, b,
         is_storage_only(a) ? a : b);
  if (a == bool8) return b;
  if (b == bool8) return a;
  if (is_floating(a) && is_floating(b)) {
    if (a == float64 || b == float64) return float64;
    return float32;  // float32 with a half, or the two halves with each other
  }
  if (is_floating(a)) return a;
  if (is_floating(b)) return b;
  if (a != uint8 && b != uint8) return size_of(a) > size_of(b) ? a : b;
  const DType other = a == uint8 ? b : a;
  return other == int8 ? int16 : other;
}

}  // namespace kiln
