#include <kiln/io/progress.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "support/files.h"

namespace kiln::io {
namespace {

ProgressState halfway() {
  return {
      .title = "epoch 1/5", .done = 30000, .total = 60000, .seconds = 6, .loss = 0.43211, .has_loss = true};
}

std::string file_content(std::FILE* file) {
  std::rewind(file);
  std::string text(10000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

}  // namespace

TEST_CASE("progress: the line") {
  const auto line = [](ProgressState state, int width, bool unicode = false, bool colors = false) {
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

}  // namespace kiln::io
