#pragma once

namespace kiln::emulated {

// A place in the source. (std::source_location keeps the function's name too, which nobody needs for each
// barrier.)
struct Location {
  const char* file = "";
  int line = 0;
  static constexpr Location current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace kiln::emulated
