#include <kiln/train/interrupt.h>

#include <csignal>

#include <kiln/tensor/fail.h>

namespace kiln::train {
namespace {

volatile std::sig_atomic_t requested_signal = 0;
bool in_use = false;

void on_signal(int signal) {
  requested_signal = signal;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
  if (in_use) fail("interrupt: there is one already; use that one");
  in_use = true;
  requested_signal = 0;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  in_use = false;
}

bool Interrupt::requested() const { return requested_signal != 0; }

}  // namespace kiln::train
