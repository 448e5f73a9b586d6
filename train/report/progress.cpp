#include <kiln/train/report/progress.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include <kiln/train/report/columns.h>

namespace kiln::io {
namespace {

constexpr double kRedrawSeconds = 0.1, kPlainSeconds = 10;
constexpr double kLossMemory = 0.98;  // of the running mean: about 50 steps
constexpr int kWidestBar = 40, kNarrowestBar = 8;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int width_of(std::FILE* stream) {
  winsize size = {};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const int width = columns != nullptr ? std::atoi(columns) : 0;
  return width > 0 ? width : 80;
}

bool wants_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
      const std::string_view locale = value;
      return locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
    }
  return false;
}

// Control characters would move the cursor.
std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

// A line that is put together within a number of columns.
class Line {
 public:
  Line(const Terminal& terminal) : unicode_(terminal.unicode), left_(std::max(terminal.width - 1, 0)) {}

  // Columns that are left: in the last one some terminals wrap.
  int left() const { return left_; }
  // Whether the piece fits, and then it is counted.
  bool takes(const std::string& piece) {
    const int width = columns(piece, unicode_);
    if (piece.empty() || width > left_) return false;
    left_ -= width;
    return true;
  }
  // What of a text fits, counted.
  std::string cut(const std::string& text) {
    const std::string_view kept = first_columns(text, left_, unicode_);
    left_ -= columns(kept, unicode_);
    return std::string(kept);
  }

 private:
  bool unicode_;
  int left_;
};

std::string bar(double share, int width, const Terminal& terminal) {
  const int full = std::clamp(int(share * width), 0, width);
  const std::string_view done = terminal.unicode ? "\u2501" : "#", left = terminal.unicode ? "\u2500" : ".";
  std::string text;
  if (terminal.colors) text += "\x1b[32m";
  for (int i = 0; i < full; ++i) text += done;
  if (terminal.colors) text += "\x1b[90m";
  for (int i = full; i < width; ++i) text += left;
  if (terminal.colors) text += "\x1b[0m";
  return text;
}

std::string rate_text(const ProgressState& state) {
  const double rate = state.seconds > 0 ? double(state.done - state.begun_at) / state.seconds : 0;
  return rate >= 100 ? fmt::format("{:.0f} {}/s", rate, state.unit)
                     : fmt::format("{:.2f} {}/s", rate, state.unit);
}

}  // namespace

Terminal terminal_of(std::FILE* stream) {
  Terminal terminal;
  const char* term = std::getenv("TERM");
  terminal.is_terminal =
      ::isatty(::fileno(stream)) == 1 && (term == nullptr || std::string_view(term) != "dumb");
  const char* no_color = std::getenv("NO_COLOR");
  terminal.colors = terminal.is_terminal && (no_color == nullptr || *no_color == '\0');
  terminal.unicode = wants_unicode();
  terminal.width = width_of(stream);
  return terminal;
}

std::string clock_text(double seconds) {
  const auto whole = int64_t(std::llround(std::clamp(seconds, 0.0, 3.6e8)));  // up to 100,000 hours
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string progress_line(const ProgressState& state, const Terminal& terminal) {
  const double share = state.total > 0 ? std::clamp(double(state.done) / double(state.total), 0.0, 1.0) : 1.0;
  const int64_t here = state.done - state.begun_at;
  std::string time;
  if (state.finished)
    time = "  in " + clock_text(state.seconds);
  else if (here > 0)
    time = "  " + clock_text(state.seconds * double(state.total - state.done) / double(here)) + " left";
  const std::string percent = fmt::format("  {:3.0f} %", std::floor(share * 100));
  const std::string loss = state.has_loss ? fmt::format("  loss {:.4f}", state.loss) : "";
  const std::string rate = "  " + printable(rate_text(state));
  const std::string more = state.more.empty() ? "" : "  " + printable(state.more);

  if (!terminal.is_terminal) return printable(state.title) + percent + loss + rate + time + more;
  Line line(terminal);
  std::string text = line.cut(printable(state.title));
  // In order of importance.
  const std::string end = line.cut(more);
  const bool with_percent = line.takes(percent), with_loss = line.takes(loss), with_time = line.takes(time),
             with_rate = line.takes(rate);
  if (line.left() >= kNarrowestBar + 2)
    text += "  " + bar(share, std::min(line.left() - 2, kWidestBar), terminal);
  if (with_percent) text += percent;
  if (with_loss) text += loss;
  if (with_rate) text += rate;
  if (with_time) text += time;
  return text + end;
}

Progress::Progress(std::string title, int64_t total, std::string unit, std::FILE* stream)
    : state_{.title = std::move(title), .unit = std::move(unit), .total = total},
      terminal_(terminal_of(stream)),
      stream_(stream),
      begin_(now()),
      next_draw_(begin_ + (terminal_.is_terminal ? 0 : kPlainSeconds)) {}

Progress::~Progress() {
  if (drawn_ && !finished() && terminal_.is_terminal) std::fputc('\n', stream_);
}

void Progress::resume_at(int64_t done) {
  state_.done = state_.begun_at = done;
  begin_ = now();
}

void Progress::advance(int64_t units, double loss) {
  loss_sum_ = kLossMemory * loss_sum_ + (1 - kLossMemory) * loss;
  loss_weight_ = kLossMemory * loss_weight_ + (1 - kLossMemory);
  state_.loss = loss_sum_ / loss_weight_;
  state_.has_loss = true;
  advance(units);
}

void Progress::advance(int64_t units) {
  state_.done += units;
  const double time = now();
  if (finished() || time < next_draw_) return;
  next_draw_ = time + (terminal_.is_terminal ? kRedrawSeconds : kPlainSeconds);
  draw();
}

void Progress::draw() {
  state_.seconds = now() - begin_;
  if (terminal_.is_terminal) terminal_.width = width_of(stream_);
  write(progress_line(state_, terminal_), terminal_.is_terminal ? "" : "\n");
  drawn_ = true;
}

void Progress::finish(const std::string& more) {
  if (finished()) return;
  state_.finished = true;
  state_.seconds = now() - begin_;
  state_.more = more;
  if (terminal_.is_terminal) terminal_.width = width_of(stream_);
  write(progress_line(state_, terminal_), "\n");
}

void Progress::write(const std::string& line, const char* end) {
  // On a terminal: back to the begin of the line, and what the last drawing left behind it is erased.
  const std::string text = terminal_.is_terminal ? "\r" + line + "\x1b[K" + end : line + end;
  std::fputs(text.c_str(), stream_);
  std::fflush(stream_);
}

}  // namespace kiln::io
