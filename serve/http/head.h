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

// Fills method, path, query, fields and keep_alive. `head` ends with the empty line. What two programs could
// read differently is refused: bare line feeds, folded lines, spaces before the colon, two lengths, a length
// beside a transfer coding, codings other than chunked, control characters, encoded too.
Refusal read_head(std::string_view head, const Limits& limits, Request& request);

// Nothing for what is no such text.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace kiln::serve
