#pragma once

// From Kiln's element types to CUDA's, and conversions between all of them on the device.

#include <type_traits>

#include <kiln/tensor/dtype/scalar.h>
#include <kiln/tensor/dtype/visit.h>
#include <kiln/kernels/base/cuda/gpu.cuh>

namespace kiln::kernels {

// The type that kernels use for T: CUDA's own half types, the others as they are.
template <class T>
struct DeviceType {
  using type = T;
};
template <>
struct DeviceType<Half> {
  using type = __half;
};
template <>
struct DeviceType<BFloat16> {
  using type = __nv_bfloat16;
};
template <class T>
using device_t = typename DeviceType<T>::type;

template <class T>
inline constexpr bool is_half_v = std::is_same_v<T, __half> || std::is_same_v<T, __nv_bfloat16>;

// The type that sums and products of the device's T are formed in.
template <class T>
using device_accumulate_t = std::conditional_t<is_half_v<T>, float, T>;

// visit_floating and company with the device's types: f.operator()<__half>() for float16.
template <class F>
void visit_device_floating(DType dtype, const char* op, F&& f) {
  visit_floating(dtype, op, [&]<class T>() { f.template operator()<device_t<T>>(); });
}
template <class F>
void visit_device_number(DType dtype, const char* op, F&& f) {
  visit_number(dtype, op, [&]<class T>() { f.template operator()<device_t<T>>(); });
}
template <class F>
void visit_device_element(DType dtype, const char* op, F&& f) {
  visit_element(dtype, op, [&]<class T>() { f.template operator()<device_t<T>>(); });
}

// One value as another type, with the meaning that kernels/elementwise/cpu/convert.h gives it.
template <class To, class From>
__host__ __device__ __forceinline__ To cast(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (std::is_same_v<From, __half>) {
    return cast<To>(__half2float(x));
  } else if constexpr (std::is_same_v<From, __nv_bfloat16>) {
    return cast<To>(__bfloat162float(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr From limit(9223372036854775808.0);
    const bool fits = x >= -limit && x < limit;
    return To(fits ? int64_t(fits ? x : From(0)) : INT64_MIN);
  } else if constexpr (std::is_same_v<To, __half>) {
    return __float2half(float(x));
  } else if constexpr (std::is_same_v<To, __nv_bfloat16>) {
    return __float2bfloat16(float(x));
  } else {
    return static_cast<To>(x);
  }
}

// A number as an element, as fill and comparisons take it.
template <class T>
T element_of(const Scalar& value) {
  if constexpr (std::is_integral_v<T>)
    return value.dtype() != float32 ? cast<T>(value.integer()) : cast<T>(value.real());
  else
    return cast<T>(value.real());
}

}  // namespace kiln::kernels
