#pragma once

#include <cstdint>
#include <string_view>

// Named stretches of time, which a profile::Session sees (<kiln/profile/profile.h>). Kiln has them around an
// optimiser's step, a backward pass and a wait for a loader's workers.

namespace kiln::profile {

namespace detail {

extern int recording;  // while a Session records; by atomic access only
// Give a token that is never 0; the end of a session that is over is nobody's.
uint64_t begin_range(std::string_view name, std::string_view part);
void end_range(uint64_t token);
// Where the two above go; set by <kiln/profile/profile.h>'s sources before `recording`.
struct RangeFunctions {
  uint64_t (*begin)(std::string_view name, std::string_view part);
  void (*end)(uint64_t token);
};
void set_range_functions(const RangeFunctions* functions);

}  // namespace detail

// From here to the end of the scope, on this thread; ranges and ops nest. Without a Session it costs a load
// and a branch. The name is copied when there is one: `Range(name_, ".step")` is "SGD.step", joined only
// then.
class Range {
 public:
  explicit Range(std::string_view name, std::string_view part = {}) {
    if (__atomic_load_n(&detail::recording, __ATOMIC_RELAXED) != 0) [[unlikely]]
      token_ = detail::begin_range(name, part);
  }
  ~Range() {
    if (token_ != 0) [[unlikely]]
      detail::end_range(token_);
  }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;

 private:
  uint64_t token_ = 0;
};

}  // namespace kiln::profile
