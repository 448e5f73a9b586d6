#include <kiln/train/report/progress.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

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

// Columns, where every code point takes one.
int columns(std::string_view text) {
  return int(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view first_columns(std::string_view text, int limit) {
  size_t end = 0;
  for (int used = 0; end < text.size(); ++end)
    if ((text[end] & 0xc0) != 0x80 && ++used > limit) break;
  return text.substr(0, end);
}

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
  const double rate = state.seconds > 0 ? double(state.done) / state.seconds : 0;
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
  std::string time;
  if (state.finished)
    time = "  in " + clock_text(state.seconds);
  else if (state.done > 0)
    time = "  " + clock_text(state.seconds * double(state.total - state.done) / double(state.done)) + " left";
  const std::string percent = fmt::format("  {:3.0f} %", std::floor(share * 100));
  const std::string loss = state.has_loss ? fmt::format("  loss {:.4f}", state.loss) : "";
  const std::string rate = "  " + rate_text(state);

  if (!terminal.is_terminal) return state.title + percent + loss + rate + time;
  const int limit = terminal.width - 1;  // in the last column some terminals wrap
  int left = limit - columns(state.title);
  if (left < 0) return std::string(first_columns(state.title, limit));
  // In order of importance.
  const auto fits = [&](const std::string& piece) {
    if (columns(piece) > left) return false;
    left -= columns(piece);
    return true;
  };
  const bool with_percent = fits(percent), with_loss = fits(loss), with_time = fits(time),
             with_rate = fits(rate);
  std::string line = state.title;
  if (left >= kNarrowestBar + 2) line += "  " + bar(share, std::min(left - 2, kWidestBar), terminal);
  if (with_percent) line += percent;
  if (with_loss) line += loss;
  if (with_rate) line += rate;
  if (with_time) line += time;
  return line;
}

Progress::Progress(std::string title, int64_t total, std::string unit, std::FILE* stream)
    : state_{std::move(title), std::move(unit), 0, total},
      terminal_(terminal_of(stream)),
      stream_(stream),
      begin_(now()),
      next_draw_(begin_ + (terminal_.is_terminal ? 0 : kPlainSeconds)) {}

Progress::~Progress() {
  if (drawn_ && !finished() && terminal_.is_terminal) std::fputc('\n', stream_);
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
  if (terminal_.is_terminal) terminal_.width = width_of(stream_);
  write(progress_line(state_, terminal_) + (more.empty() ? "" : "  " + more), "\n");
}

void Progress::write(const std::string& line, const char* end) {
  // On a terminal: back to the begin of the line, and what the last drawing left behind it is erased.
  const std::string text = terminal_.is_terminal ? "\r" + line + "\x1b[K" + end : line + end;
  std::fputs(text.c_str(), stream_);
  std::fflush(stream_);
}

}  // namespace kiln::io
