#pragma once

// Internal (it pulls in fmt): throwing an Error with a formatted message.

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/fmt.h>

namespace kiln {

// fail("linear: x has {} features, weight expects {}", a, b)
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  detail::throw_error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace kiln
