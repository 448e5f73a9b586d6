#pragma once

#include <csignal>

namespace kiln::tools {

// While it lives, SIGINT and SIGTERM wait to be asked for; threads that begin meanwhile do not get them. The
// second one ends the program.
class Signals {
 public:
  Signals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void wait() {
    int signal = 0;
    ::sigwait(&set_, &signal);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t set_ = {}, before_ = {};
};

}  // namespace kiln::tools
