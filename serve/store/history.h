#pragma once

// Internal: the history of a store, one JSON object a line, and what follows from it.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <kiln/serve/store/version.h>

namespace kiln::serve {

// Which versions were current, the last one now. A rollback to one of them takes away those above it, so that
// the next goes further back; to any other version it puts that on top.
struct Standing {
  std::vector<std::string> line;
  std::set<std::string> pinned;

  explicit Standing(const std::vector<Event>& history);
  std::string current() const { return line.empty() ? "" : line.back(); }
};

std::string line_of(const Event& event);
// Throws "WHERE, line 3: ..." for what is no history.
std::vector<Event> parse_history(std::string_view text, const std::string& where);

// UTC, to the second; as it was so many seconds ago.
std::string time_text(int64_t seconds_ago = 0);
// Who runs the program.
std::string user_name();

}  // namespace kiln::serve
