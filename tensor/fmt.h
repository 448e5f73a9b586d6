#pragma once

#include <fmt/format.h>

#include <kiln/tensor/device/device.h>
#include <kiln/tensor/dtype/dtype.h>
#include <kiln/tensor/shape.h>

// fmt of shapes, dtypes and devices; <kiln/fmt.h> has that of tensors too.

template <>
struct fmt::formatter<kiln::Dims> : fmt::formatter<std::string> {
  auto format(const kiln::Dims& dims, format_context& ctx) const {
    return fmt::formatter<std::string>::format(kiln::to_string(dims), ctx);
  }
};
template <>
struct fmt::formatter<kiln::DType> : fmt::formatter<std::string> {
  auto format(kiln::DType dtype, format_context& ctx) const {
    return fmt::formatter<std::string>::format(kiln::name_of(dtype), ctx);
  }
};
template <>
struct fmt::formatter<kiln::Device> : fmt::formatter<std::string> {
  auto format(kiln::Device device, format_context& ctx) const {
    return fmt::formatter<std::string>::format(kiln::to_string(device), ctx);
  }
};
