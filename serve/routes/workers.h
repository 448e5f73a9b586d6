#pragma once

// Internal: threads that read requests' bodies and decode pictures, so that those of the sockets need not.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <kiln/tensor/base/function.h>

namespace kiln::serve {

class Workers {
 public:
  explicit Workers(int threads);
  // stop()
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // `work` throws nothing.
  void post(Function<void()> work);
  // Ends the threads; what has not begun is dropped, and what comes later.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Function<void()>> queue_;
  bool is_stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace kiln::serve
