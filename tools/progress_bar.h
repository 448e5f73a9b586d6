#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <kiln/tensor/base/function.h>
#include <kiln/train/report/progress.h>

namespace kiln::tools {

// How far a verb is, drawn on standard error for a person at a terminal; elsewhere nothing is written.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title) : title_(std::move(title)) {}

  void show(int64_t done, int64_t total);
  // The same as what a verb's options take; it must not outlive this object.
  Function<void(int64_t done, int64_t total)> callback() {
    return [this](int64_t done, int64_t total) { show(done, total); };
  }

 private:
  std::string title_;
  std::unique_ptr<io::Progress> bar_;
  int64_t before_ = 0;
};

}  // namespace kiln::tools
