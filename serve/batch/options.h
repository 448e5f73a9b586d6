#pragma once

#include <chrono>
#include <cstdint>

namespace kiln::serve {

struct BatchOptions {
  int64_t max_batch = 8;                      // rows
  std::chrono::microseconds max_delay{5000};  // that the oldest request waits for others
  int64_t queue_limit = 256;                  // rows that wait; more are told 429
  int threads = 1;                            // that run the model, each a batch
};

}  // namespace kiln::serve
