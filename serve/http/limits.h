#pragma once

#include <cstdint>

namespace kiln::serve {

// What a request may ask for.
struct Limits {
  int64_t head_bytes = 8 << 10;
  int64_t target_bytes = 2 << 10;
  int64_t fields = 100;
  int64_t body_bytes = 16 << 20;
  int64_t chunks = 1 << 16;  // of a chunked body
};

}  // namespace kiln::serve
