#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace kiln::io {

// How to draw: found out from the stream and the environment (NO_COLOR, TERM, LANG, COLUMNS).
struct Terminal {
  bool is_terminal = false;  // else a plain line now and then
  bool colors = false;
  bool unicode = false;
  int width = 80;
};
Terminal terminal_of(std::FILE* stream);

// What a progress line shows.
struct ProgressState {
  std::string title;
  std::string unit = "img";
  int64_t done = 0;
  int64_t total = 0;
  int64_t begun_at = 0;  // done before the clock began: the speed does not count it
  double seconds = 0;
  double loss = 0;
  bool has_loss = false;
  bool finished = false;
  std::string more;  // said at the end
};

// "epoch 1/5  ━━━━━━━╸───────  42 %  loss 0.4321  5231 img/s  0:12 left", narrower than the terminal, so that
// it never wraps: what does not fit is left out, the bar first, and `more` stays longest. Wide characters
// take two columns; control characters of the texts become blanks.
std::string progress_line(const ProgressState& state, const Terminal& terminal);

// "0:07", "12:34", "1:02:03".
std::string clock_text(double seconds);

// A progress bar for a loop. On a terminal it redraws its line ten times a second; else it prints a line
// every ten seconds and at the end. When nothing is drawn, advance() costs a look at the clock.
//
//     io::Progress bar("epoch 1/5", 60000);
//     for (const data::Batch& batch : loader.epoch(1)) {
//       train_on(batch);
//       bar.advance(batch.size(), loss.item<float>());
//     }
//     bar.finish();
class Progress {
 public:
  Progress(std::string title, int64_t total, std::string unit = "img", std::FILE* stream = stderr);
  // Leaves the terminal at the begin of a fresh line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // That much of the total was done by another run, which this one goes on with. Speed and time left count
  // from there.
  void resume_at(int64_t done);
  // `loss` is shown as a running mean that forgets over some 50 steps.
  void advance(int64_t units, double loss);
  void advance(int64_t units);
  // The last state, as it is when the loop was left early, followed by `more`; later calls draw nothing.
  void finish(const std::string& more = "");

 private:
  bool finished() const { return state_.finished; }
  void draw();
  void write(const std::string& line, const char* end);

  ProgressState state_;
  Terminal terminal_;
  std::FILE* stream_;
  double loss_sum_ = 0, loss_weight_ = 0;
  double begin_, next_draw_;
  bool drawn_ = false;
};

}  // namespace kiln::io
