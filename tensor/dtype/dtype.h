#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <type_traits>

#include <kiln/tensor/dtype/half.h>

namespace kiln {

// Floating types compute (the two halves accumulate in float32); the integers and bool serve as indices,
// masks and counters; from complex64 on a type is storage only: files round-trip it, arithmetic refuses it by
// name.
enum class DType : uint8_t {
  float32,
  float64,
  float16,
  bfloat16,
  int64,
  int32,
  int16,
  int8,
  uint8,
  bool8,
  complex64,
  complex128,
  uint16,
  uint32,
  uint64,
  float8_e4m3fn,
  float8_e5m2,
};
inline constexpr int kDTypeCount = 17;

inline constexpr DType float32 = DType::float32, float64 = DType::float64, float16 = DType::float16,
                       bfloat16 = DType::bfloat16, int64 = DType::int64, int32 = DType::int32,
                       int16 = DType::int16, int8 = DType::int8, uint8 = DType::uint8, bool8 = DType::bool8;

// Bytes of one element.
constexpr int64_t size_of(DType dtype) {
  constexpr int64_t sizes[kDTypeCount] = {4, 8, 2, 2, 8, 4, 2, 1, 1, 1, 8, 16, 2, 4, 8, 1, 1};
  return sizes[int(dtype)];
}

// PyTorch's name without "torch.": "float32", "bool", "complex64".
std::string name_of(DType dtype);
inline std::string to_string(DType dtype) { return name_of(dtype); }
std::ostream& operator<<(std::ostream& out, DType dtype);

// The dtype of that name. Throws for an unknown name.
DType dtype_from_name(std::string_view name);

constexpr bool is_floating(DType dtype) { return dtype <= DType::bfloat16; }
constexpr bool is_half(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }
constexpr bool is_integral(DType dtype) { return dtype >= DType::int64 && dtype <= DType::uint8; }
constexpr bool is_storage_only(DType dtype) { return dtype >= DType::complex64; }

// The C++ type's dtype: dtype_of<float>.
template <class T>
inline constexpr DType dtype_of = [] {
  if constexpr (std::is_same_v<T, float>)
    return DType::float32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::float64;
  else if constexpr (std::is_same_v<T, Half>)
    return DType::float16;
  else if constexpr (std::is_same_v<T, BFloat16>)
    return DType::bfloat16;
  else if constexpr (std::is_same_v<T, bool>)
    return DType::bool8;
  else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
    return sizeof(T) == 8   ? DType::int64
           : sizeof(T) == 4 ? DType::int32
           : sizeof(T) == 2 ? DType::int16
                            : DType::int8;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::uint8;
  else
    static_assert(sizeof(T) == 0, "no Kiln dtype holds this C++ type");
}();

// The type of an operation between two tensors of these types, PyTorch's table (int64 with float16 gives
// float16, float16 with bfloat16 gives float32, uint8 with int8 gives int16). Storage-only types promote with
// themselves only.
DType promote_types(DType a, DType b);

}  // namespace kiln
