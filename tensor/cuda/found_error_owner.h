#pragma once

// Internal: whose the mistakes are that kernels find.

#include <memory>

#include <kiln/tensor/cuda/found_error.h>

namespace kiln::cuda {

// A place for kernels to write to, of one owner: a thread, or a captured graph.
std::shared_ptr<FoundError> make_found_error();

// Throws what was found there, if anything, and empties it.
void throw_found_error(FoundError& place);

// From now on the thread's throw_found_error looks there too, as long as somebody else keeps the place.
void watch_found_error(const std::shared_ptr<FoundError>& place);

// While it lives, the kernels that this thread launches or records report to that place.
class FoundErrorScope {
 public:
  explicit FoundErrorScope(std::shared_ptr<FoundError> place);
  ~FoundErrorScope();
  FoundErrorScope(const FoundErrorScope&) = delete;
  FoundErrorScope& operator=(const FoundErrorScope&) = delete;

 private:
  std::shared_ptr<FoundError> place_, before_;
};

}  // namespace kiln::cuda
