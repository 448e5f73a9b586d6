#pragma once

// Internal: every number that a client may send, with its range.

#include <charconv>
#include <cstdint>
#include <string_view>

#include <kiln/serve/routes/http_error.h>
#include <kiln/tensor/value/value.h>

namespace kiln::serve {

struct Range {
  std::string_view name;
  int64_t least, most;
};

namespace range {
inline constexpr Range kSize = {"a size in 'shape'", 0, 1 << 30};
inline constexpr Range kBinaryBytes = {"binary_data_size", 0, int64_t(1) << 31};
inline constexpr Range kClasses = {"classification", 1, 1000};
inline constexpr Range kTimeoutUs = {"timeout", 0, 3'600'000'000};
inline constexpr Range kTimeoutMs = {"X-Timeout-Ms", 1, 3'600'000};
inline constexpr Range kTop = {"top", 1, 1000};
inline constexpr Range kJsonBytes = {"Inference-Header-Content-Length", 0, int64_t(1) << 31};
}  // namespace range

inline int64_t in_range(const Range& range, int64_t number) {
  if (number < range.least || number > range.most)
    refuse(400, "{} is {}; give {} to {}", range.name, number, range.least, range.most);
  return number;
}

inline int64_t in_range(const Range& range, const Value& value) {
  if (!value.is_int()) refuse(400, "{} is {}; give an int", range.name, name_of(value.kind()));
  return in_range(range, value.as_int());
}

inline int64_t number_in_range(const Range& range, std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    refuse(400, "{} is no number; give {} to {}", range.name, range.least, range.most);
  return in_range(range, number);
}

}  // namespace kiln::serve
