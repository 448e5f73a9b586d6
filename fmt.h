#pragma once

#include <concepts>

#include <kiln/nn/module.h>
#include <kiln/tensor/fmt.h>
#include <kiln/tensor/tensor.h>

// fmt::print("{} {} {} on {}\n", x, x.shape(), x.dtype(), x.device()): for programs that use fmt. Width and
// alignment are those of strings.

template <class T>
requires std::derived_from<T, kiln::Tensor>
struct fmt::formatter<T> : fmt::formatter<std::string> {
  auto format(const kiln::Tensor& x, format_context& ctx) const {
    return fmt::formatter<std::string>::format(kiln::to_string(x), ctx);
  }
};
template <class T>
requires std::derived_from<T, kiln::nn::Module>
struct fmt::formatter<T> : fmt::formatter<std::string> {
  auto format(const kiln::nn::Module& module, fmt::format_context& ctx) const {
    return fmt::formatter<std::string>::format(to_string(module), ctx);
  }
};
template <>
struct fmt::formatter<kiln::Scalar> : fmt::formatter<std::string> {
  auto format(const kiln::Scalar& x, format_context& ctx) const {
    return fmt::formatter<std::string>::format(kiln::to_string(x), ctx);
  }
};
