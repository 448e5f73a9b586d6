#include <kiln/train/report/progress.h>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <kiln/train/report/columns.h>

#include "support/files.h"
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

TEST_CASE("progress: columns of a text") {
  const struct {
    const char* text;
    int columns;
  } rows[] = {{"", 0},           {"epoch", 5},        {"\u00e9\u00fc", 2},
              {"e\u0301", 1},    {"\u5b66\u4e60", 4}, {"\uac00", 2},
              {"\U0001f680", 2}, {"\u2501", 1},       {"\xff\xfe", 2},
              {"\xe5\xad", 2},   {"\u2764\ufe0f", 2}};
  for (const auto& [text, wanted] : rows) CHECK_MESSAGE(columns(text, true) == wanted, text);
  CHECK(columns("\u00e9", false) == 2);  // nobody knows how it is shown
  CHECK(first_columns("a\u5b66b", 2, true) == "a");
  CHECK(first_columns("a\u5b66b", 3, true) == "a\u5b66");
}

TEST_CASE("progress: a line never wraps, with what is said at its end") {
  const char* titles[] = {"",
                          "epoch 1/5",
                          "\u5b66\u4e60 3/5",
                          "e\u0301poch",
                          "\U0001f680 run",
                          "a title that is longer than most terminals are wide, and goes on and on and on",
                          "two\nlines\tand\x1b[31m colours\r",
                          "\xff\xfe"};
  const char* ends[] = {
      "", "test accuracy 90.12 %", "\u7cbe\u5ea6 90 %",
      "test accuracy 90.12 %, top-5 99.50 %, loss 0.2345, the best so far; saved to a.kiln"};
  for (const bool unicode : {false, true})
    for (const bool colors : {false, true})
      for (int width = 1; width <= 140; ++width)
        for (const char* title : titles)
          for (const char* end : ends) {
            ProgressState state = halfway();
            state.title = title;
            state.more = end;
            state.finished = width % 2 == 0;
            std::string line = progress_line(state, {true, colors, unicode, width});
            for (const char* escape : {"\x1b[32m", "\x1b[90m", "\x1b[0m"})
              if (const size_t at = line.find(escape); at != std::string::npos)
                line.erase(at, std::strlen(escape));
            CAPTURE(line);
            CHECK(columns(line, unicode) < width);
            CHECK(std::ranges::none_of(line, [](char c) { return c >= 0 && c < 0x20; }));
          }
  ProgressState state = halfway();
  state.finished = true;
  state.more = "test accuracy 90.12 %";
  const auto line = [&](int width) { return progress_line(state, {true, false, false, width}); };
  CHECK(
      line(100) ==
      "epoch 1/5  ############............   50 %  loss 0.4321  5000 img/s  in 0:06  test accuracy 90.12 %");
  CHECK(line(80) == "epoch 1/5   50 %  loss 0.4321  5000 img/s  in 0:06  test accuracy 90.12 %");
  CHECK(line(60) == "epoch 1/5   50 %  loss 0.4321  test accuracy 90.12 %");
  CHECK(line(40) == "epoch 1/5   50 %  test accuracy 90.12 %");
}

TEST_CASE("progress: a resumed epoch counts from where it resumed") {
  ProgressState state = {.title = "t", .done = 30000, .total = 60000, .begun_at = 24000, .seconds = 6};
  CHECK(progress_line(state, {}) == "t   50 %  1000 img/s  0:30 left");
  state.done = 24000;
  CHECK(progress_line(state, {}) == "t   40 %  0.00 img/s");
  std::FILE* file = std::tmpfile();
  {
    Progress bar("t", 1'000'000'000, "img", file);
    bar.resume_at(999'999'000);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    bar.advance(500);
    bar.finish();
  }
  const std::string text = file_content(file);
  std::fclose(file);
  CHECK(text.starts_with("t   99 %  "));
  CHECK_MESSAGE(std::stoll(text.substr(10)) <= 25000, text);  // 500 in 20 ms
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
  {  // made narrower on the way
    Progress bar("narrow", 100, "img", terminal);
    const winsize narrow = {.ws_row = 24, .ws_col = 20};
    ::ioctl(::fileno(terminal), TIOCSWINSZ, &narrow);
    bar.finish("accuracy 90 %");
  }
  std::fputs("end", terminal);
  std::fflush(terminal);
  const std::string text = read_until(master, "end");
  std::fclose(terminal);
  ::close(master);
  CHECK(text.starts_with("\repoch 1/2"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(count(text, "\x1b[K") == 4);
  CHECK(test::contains(text, "\rnarrow  accuracy 90\x1b[K"));
  CHECK(text.ends_with("\x1b[K\r\nend"));
}

}  // namespace kiln::io
