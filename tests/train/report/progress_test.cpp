#include <kiln/train/report/progress.h>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "support/skip.h"

namespace kiln::io {
namespace {

ProgressState halfway() {
  return {
      .title = "epoch 1/5", .done = 30000, .total = 60000, .seconds = 6, .loss = 0.43211, .has_loss = true};
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// What was written to a pseudo-terminal, up to `end`: it arrives late and in pieces. Gives up after five
// seconds.
std::string read_until(int master, const std::string& end) {
  std::string text;
  pollfd wait = {.fd = master, .events = POLLIN};
  while (!text.ends_with(end) && ::poll(&wait, 1, 5000) > 0) {
    char piece[256];
    const ssize_t bytes = ::read(master, piece, sizeof piece);
    if (bytes <= 0) break;
    text.append(piece, size_t(bytes));
  }
  return text;
}

std::string file_content(std::FILE* file) {
  REQUIRE(std::fseek(file, 0, SEEK_SET) == 0);
  std::string text(10000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

}  // namespace

TEST_CASE("progress: the line") {
  const auto line = [](const ProgressState& state, int width, bool unicode = false, bool colors = false) {
    return progress_line(state, {true, colors, unicode, width});
  };
  CHECK(progress_line(halfway(), {}) == "epoch 1/5   50 %  loss 0.4321  5000 img/s  0:06 left");
  CHECK(line(halfway(), 81) ==
        "epoch 1/5  #############.............   50 %  loss 0.4321  5000 img/s  0:06 left");
  CHECK(line(halfway(), 65) == "epoch 1/5  #####.....   50 %  loss 0.4321  5000 img/s  0:06 left");
  CHECK(line(halfway(), 60) == "epoch 1/5   50 %  loss 0.4321  5000 img/s  0:06 left");
  CHECK(line(halfway(), 38) == "epoch 1/5   50 %  loss 0.4321");
  CHECK(line(halfway(), 20) == "epoch 1/5   50 %");
  CHECK(line(halfway(), 6) == "epoch");
  CHECK(line(halfway(), 1).empty());
  CHECK(line(halfway(), 65, true) ==
        "epoch 1/5  \u2501\u2501\u2501\u2501\u2501\u2500\u2500\u2500\u2500\u2500   50 %  loss 0.4321  5000 "
        "img/s  0:06 left");
  CHECK(line(halfway(), 81, false, true).find("\x1b[32m####") != std::string::npos);
  ProgressState state = halfway();
  state.loss = std::nan("");
  CHECK(progress_line(state, {}) == "epoch 1/5   50 %  loss nan  5000 img/s  0:06 left");
  state.has_loss = false;
  state.done = 60000;
  state.finished = true;
  CHECK(progress_line(state, {}) == "epoch 1/5  100 %  10000 img/s  in 0:06");
  CHECK(progress_line({.title = "t", .total = 10}, {}) == "t    0 %  0.00 img/s");
  CHECK(progress_line({.title = "t", .done = 3, .total = 0, .finished = true}, {}) ==
        "t  100 %  0.00 img/s  in 0:00");
}

TEST_CASE("progress: times") {
  CHECK(clock_text(0) == "0:00");
  CHECK(clock_text(59.6) == "1:00");
  CHECK(clock_text(754) == "12:34");
  CHECK(clock_text(3723) == "1:02:03");
  CHECK(clock_text(1e300) == "100000:00:00");
}

TEST_CASE("progress: plain lines when the stream is not a terminal") {
  std::FILE* file = std::tmpfile();
  {
    Progress bar("epoch 1/1", 1000, "img", file);
    for (int i = 0; i < 10; ++i) bar.advance(100, 0.5);
    bar.finish("test accuracy 90.00 %");
    bar.finish();
  }
  const std::string text = file_content(file);
  std::fclose(file);
  CHECK(text.starts_with("epoch 1/1  100 %  loss 0.5000  "));
  CHECK(text.ends_with(" img/s  in 0:00  test accuracy 90.00 %\n"));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("progress: a terminal") {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0)
    return test::skip("no pseudo-terminals here");
  std::FILE* terminal = std::fopen(::ptsname(master), "w");
  REQUIRE(terminal != nullptr);
  const winsize size = {.ws_row = 24, .ws_col = 50};
  ::ioctl(::fileno(terminal), TIOCSWINSZ, &size);
  ::setenv("TERM", "xterm", 1);
  ::setenv("NO_COLOR", "1", 1);
  const Terminal found = terminal_of(terminal);
  CHECK(found.is_terminal);
  CHECK(found.width == 50);
  CHECK(!found.colors);
  ::unsetenv("NO_COLOR");
  CHECK(terminal_of(terminal).colors);
  {
    Progress bar("epoch 1/2", 100, "img", terminal);
    bar.advance(50, 1.5);
    bar.advance(10, 1.5);  // too soon after the last drawing
    bar.finish();
    Progress left_early("epoch 2/2", 100, "img", terminal);
    left_early.advance(50, 1.5);
  }
  std::fputs("end", terminal);
  std::fflush(terminal);
  const std::string text = read_until(master, "end");
  std::fclose(terminal);
  ::close(master);
  CHECK(text.starts_with("\repoch 1/2"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(count(text, "\x1b[K") == 3);
  CHECK(text.ends_with("\x1b[K\r\nend"));
}

}  // namespace kiln::io
