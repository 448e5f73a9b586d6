#pragma once

namespace kiln::train {

// While it lives, Ctrl-C (SIGINT) and SIGTERM do not end the program: requested() tells the loop, which
// finishes its step, saves and leaves with exit status 130. A second signal ends the program at once. One at
// a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const;
  static constexpr int kExitStatus = 130;
};

}  // namespace kiln::train
