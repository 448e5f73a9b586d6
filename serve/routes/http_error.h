#pragma once

// Internal: how a route says no.

#include <stdexcept>
#include <string>

#include <kiln/tensor/fmt.h>

namespace kiln::serve {

// Becomes {"error": text} with the status. The text is for clients: no paths, addresses or names of the
// program.
struct HttpError : std::runtime_error {
  HttpError(int code, const std::string& text) : std::runtime_error(text), status(code) {}
  int status;
};

template <class... Args>
[[noreturn]] void refuse(int status, fmt::format_string<Args...> format, Args&&... args) {
  throw HttpError(status, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace kiln::serve
