#pragma once

// Internal: from a dtype to its C++ type. Without fmt, which nvcc cannot compile.

#include <kiln/tensor/dtype/dtype.h>

namespace kiln {

namespace detail {
[[noreturn]] void fail_not_floating(const char* op, DType dtype);
[[noreturn]] void fail_not_index(const char* op, DType dtype);
[[noreturn]] void fail_not_number(const char* op, DType dtype);
}  // namespace detail

// Calls f.operator()<T>() for the C++ type of a floating dtype; throws "op: ..." for others. Likewise below.
template <class F>
decltype(auto) visit_floating(DType dtype, const char* op, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f.template operator()<float>();
    case DType::float64:
      return f.template operator()<double>();
    case DType::float16:
      return f.template operator()<Half>();
    case DType::bfloat16:
      return f.template operator()<BFloat16>();
    default:
      detail::fail_not_floating(op, dtype);
  }
}

template <class F>
decltype(auto) visit_index(DType dtype, const char* op, F&& f) {
  switch (dtype) {
    case DType::int64:
      return f.template operator()<int64_t>();
    case DType::int32:
      return f.template operator()<int32_t>();
    default:
      detail::fail_not_index(op, dtype);
  }
}

// Numbers without bool.
template <class F>
decltype(auto) visit_number(DType dtype, const char* op, F&& f) {
  switch (dtype) {
    case DType::int64:
      return f.template operator()<int64_t>();
    case DType::int32:
      return f.template operator()<int32_t>();
    case DType::int16:
      return f.template operator()<int16_t>();
    case DType::int8:
      return f.template operator()<int8_t>();
    case DType::uint8:
      return f.template operator()<uint8_t>();
    default:
      if (dtype == DType::bool8 || is_storage_only(dtype)) detail::fail_not_number(op, dtype);
      return visit_floating(dtype, op, static_cast<F&&>(f));
  }
}

// Every type that computes.
template <class F>
decltype(auto) visit_element(DType dtype, const char* op, F&& f) {
  if (dtype == DType::bool8) return f.template operator()<bool>();
  return visit_number(dtype, op, static_cast<F&&>(f));
}

// The type that sums and products of T are formed in.
template <class T>
struct Accumulate {
  using type = T;
};
template <>
struct Accumulate<Half> {
  using type = float;
};
template <>
struct Accumulate<BFloat16> {
  using type = float;
};
template <class T>
using accumulate_t = typename Accumulate<T>::type;

}  // namespace kiln
