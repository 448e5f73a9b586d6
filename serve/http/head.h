#pragma once

// Internal: the head of a request, its request line and fields (RFC 9112), read strictly.

#include <optional>
#include <string>
#include <string_view>

#include <kiln/serve/http/limits.h>
#include <kiln/serve/http/message.h>

namespace kiln::serve {

struct Refusal {
  int status = 0;  // 0: nothing was refused
  std::string text;
};

// Takes the lines of a head, the request line first, without their ends; fills method, path, query, fields
// and keep_alive. What two programs could read differently is refused: folded lines, spaces before the colon,
// two lengths, a length beside a transfer coding, codings other than chunked, control characters, encoded
// too. (Line ends are the reader's.)
class Head {
 public:
  explicit Head(const Limits& limits) : limits_(limits) {}
  // The empty line is the last.
  Refusal take(std::string_view line, Request& request);

 private:
  Refusal end(Request& request) const;

  Limits limits_;
  bool is_first_ = true, is_old_ = false;  // HTTP/1.0
};

// Adds NAME: VALUE to fields.
Refusal read_field(std::string_view line, Fields& fields);

// Nothing for what is no such text.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace kiln::serve
