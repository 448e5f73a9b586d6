#pragma once

// For sources only (it pulls in fmt): throwing an Error with a formatted message.

#include <fmt/format.h>

#include <kiln/tensor/device.h>
#include <kiln/tensor/dtype.h>
#include <kiln/tensor/error.h>
#include <kiln/tensor/shape.h>

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

namespace kiln {

// fail("linear: x has {} features, weight expects {}", a, b)
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  detail::throw_error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace kiln
