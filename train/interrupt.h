#pragma once

#include <string>
#include <vector>

namespace kiln::train {

// While it lives, Ctrl-C (SIGINT) and SIGTERM do not end the program: that it was heard is said on standard
// error, and requested() tells the loop, which finishes its step, saves and leaves by stopped(). A second
// signal ends the program at once. A signal that is ignored stays ignored (nohup). One at a time.
class Interrupt {
 public:
  Interrupt();
  // What the signals did before, they do again.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const;
  static constexpr int kExitStatus = 130;
};

// What there is to say when a run is left early.
struct Stop {
  std::string where;                 // "epoch 3, step 1234"
  std::vector<std::string> written;  // files, with a remark where it helps
  std::string go_on;                 // the command (program.h)
};

// Says it on standard error, one line each, and gives Interrupt::kExitStatus.
int stopped(const Stop& stop);

}  // namespace kiln::train
