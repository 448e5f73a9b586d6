#include <kiln/tools/progress_bar.h>

#include <algorithm>

namespace kiln::tools {

void ProgressBar::show(int64_t done, int64_t total) {
  if (!bar_) {
    if (!io::terminal_of(stderr).is_terminal) return;
    bar_ = std::make_unique<io::Progress>(title_, total);
  }
  bar_->advance(std::max<int64_t>(done - before_, 0));
  before_ = std::max(before_, done);
  if (done >= total) bar_->finish();
}

}  // namespace kiln::tools
