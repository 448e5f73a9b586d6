#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

#include <kiln/tensor/base/function.h>

namespace kiln::io {

// Internal: reads the parts of a file, in their order, by other threads while the caller does something else;
// where it must wait for a part it reads parts itself. What it sees does not depend on timing.
class ReadAhead {
 public:
  // Calls read(part, worker) for parts 0 .. parts-1; `worker` is the number of the thread, the caller is 0.
  // Without other threads (`threads` is 1) parts are read when they are waited for.
  ReadAhead(size_t parts, int threads, Function<void(size_t part, size_t worker)> read);
  // Does not begin another part.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Returns when the part is there. What reading it threw is thrown.
  void wait(size_t part);
  void wait_for_all();

 private:
  struct Part {
    std::atomic<bool> done = false;
    std::exception_ptr error;
  };

  bool read_next(size_t worker);

  Function<void(size_t, size_t)> read_;
  std::vector<Part> parts_;
  std::atomic<size_t> next_ = 0;
  std::vector<std::jthread> threads_;  // gone before the rest
};

}  // namespace kiln::io
