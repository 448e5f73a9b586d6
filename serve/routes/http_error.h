#pragma once

// Internal: how a route says no.

#include <stdexcept>
#include <string>

#include <kiln/serve/http/message.h>
#include <kiln/tensor/fmt.h>

namespace kiln::serve {

// Becomes {"error": text} with the status. The text is for clients: no paths, addresses or names of the
// program.
struct HttpError : std::runtime_error {
  HttpError(int code, const std::string& text, int seconds = 0)
      : std::runtime_error(text), status(code), retry_after(seconds) {}
  int status;
  int retry_after;  // seconds; 0: not said
};

inline Response response_of(const HttpError& error) {
  Response response = error_response(error.status, error.what());
  if (error.retry_after > 0) response.fields = {{"Retry-After", std::to_string(error.retry_after)}};
  return response;
}

template <class... Args>
[[noreturn]] void refuse(int status, fmt::format_string<Args...> format, Args&&... args) {
  throw HttpError(status, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace kiln::serve
