#pragma once

#include <kiln/nn/module.h>

namespace kiln::nn {

// Puts a module and all below it into eval mode (or training mode) for as long as it lives, then gives each
// one back the mode that it had, also when an Error ends the scope:
//
//     const nn::ModeGuard eval(net);
//
// Modules that were put in meanwhile keep their own mode. The module must outlive it.
class ModeGuard {
 public:
  explicit ModeGuard(Module& module, bool training = false);
  ~ModeGuard();
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;

 private:
  struct Mode {
    const Module* module;
    bool training;
  };

  Module& module_;
  std::vector<Mode> modes_;
};

}  // namespace kiln::nn
