#include <kiln/train/interrupt.h>

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string_view>

#include <kiln/tensor/base/fail.h>

namespace kiln::train {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};
volatile std::sig_atomic_t requested_signal = 0;
bool in_use = false;
struct sigaction before[std::size(kSignals)];

// Only what may be called at any moment (POSIX.1, 2.4.3).
void on_signal(int signal) {
  const int error = errno;
  requested_signal = signal;
  for (const int each : kSignals) std::signal(each, SIG_DFL);
  constexpr std::string_view kHeard = "\nstopping after this step; once more ends the program at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kHeard.data(), kHeard.size());
  errno = error;
}

}  // namespace

Interrupt::Interrupt() {
  if (in_use) fail("interrupt: there is one already; use that one");
  in_use = true;
  requested_signal = 0;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

Interrupt::~Interrupt() {
  for (size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &before[i], nullptr);
  in_use = false;
}

bool Interrupt::requested() const { return requested_signal != 0; }

int stopped(const Stop& stop) {
  std::string text = fmt::format("stopped in {}\n", stop.where);
  if (stop.written.empty()) text += "nothing was written\n";
  for (const std::string& file : stop.written) text += fmt::format("written: {}\n", file);
  if (!stop.go_on.empty()) text += fmt::format("go on with: {}\n", stop.go_on);
  std::fputs(text.c_str(), stderr);
  return Interrupt::kExitStatus;
}

}  // namespace kiln::train
