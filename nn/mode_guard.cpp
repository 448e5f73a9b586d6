#include <kiln/nn/mode_guard.h>

#include <algorithm>

namespace kiln::nn {

ModeGuard::ModeGuard(Module& module, bool training) : module_(module) {
  for (const auto& [name, part] : module.named_modules()) modes_.push_back({&part, part.is_training()});
  std::sort(modes_.begin(), modes_.end(), [](const Mode& a, const Mode& b) { return a.module < b.module; });
  module.train(training);
}

// Those that are there now: others may be gone.
ModeGuard::~ModeGuard() {
  for (const auto& [name, part] : module_.named_modules()) {
    const auto found =
        std::lower_bound(modes_.begin(), modes_.end(), &part,
                         [](const Mode& mode, const Module* wanted) { return mode.module < wanted; });
    if (found != modes_.end() && found->module == &part) part.set_own_mode(found->training);
  }
}

}  // namespace kiln::nn
