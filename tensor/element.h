#pragma once

// For sources only: from a dtype to its C++ type, and walking strided elements.

#include <kiln/tensor/fail.h>
#include <kiln/tensor/layout.h>

namespace kiln {

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
      fail("{}: needs a floating-point tensor, got {}", op, dtype);
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
      fail("{}: indices must be int64 or int32, got {}", op, dtype);
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
    case DType::bool8:
      fail("{}: bool tensors are not supported", op);
    default:
      if (is_storage_only(dtype)) fail("{}: {} is storage only", op, dtype);
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

// Calls f(offset) for each element in row-major order; offsets count from the first element. For small or
// cold tensors.
template <class F>
void for_each_offset(const Layout& layout, F&& f) {
  const int64_t count = layout.numel();
  Dims index = Dims::filled(layout.rank(), 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    f(offset);
    for (int d = layout.rank() - 1; d >= 0; --d) {
      offset += layout.strides[d];
      if (++index[d] < layout.shape[d]) break;
      offset -= layout.strides[d] * layout.shape[d];
      index[d] = 0;
    }
  }
}

}  // namespace kiln
