#pragma once

// Internal: requests that wait until something has happened.

#include <chrono>
#include <list>
#include <mutex>

#include <kiln/serve/http/message.h>

namespace kiln::annotate {

// May be used by several threads.
class News {
 public:
  using Tell = Function<std::string()>;  // the answer's body, made when it is sent

  // What has happened so far, counted.
  int64_t count() const;
  // Something has: everybody who waits is answered.
  void happened();
  // Answers when something happens that was not yet counted in `seen`, which may be at once, or the time is
  // over.
  void wait(int64_t seen, std::chrono::milliseconds time, const serve::Reply& reply, Tell tell);
  // Answers those whose time is over, and lets go of those who have left.
  void look();
  // Answers all, and those who come later at once.
  void end();

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    serve::Reply reply;
    Tell tell;
    Clock::time_point until;
  };
  static void answer(const std::list<Waiting>& all);

  mutable std::mutex mutex_;
  int64_t count_ = 0;
  bool is_over_ = false;
  std::list<Waiting> waiting_;
};

}  // namespace kiln::annotate
