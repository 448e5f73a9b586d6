#pragma once

namespace kiln {

// Whether ops record on this thread. On at the start of every thread.
bool grad_enabled();
void set_grad_enabled(bool enabled);

// While it lives, ops record or do not.
class GradMode {
 public:
  explicit GradMode(bool enabled) : before_(grad_enabled()) { set_grad_enabled(enabled); }
  ~GradMode() { set_grad_enabled(before_); }
  GradMode(const GradMode&) = delete;

 private:
  bool before_;
};
// While it lives, ops do not record.
class NoGrad : public GradMode {
 public:
  NoGrad() : GradMode(false) {}
};
using NoGradGuard = NoGrad;  // as C++ programs of PyTorch spell it
// While it lives, ops record again inside a NoGrad.
class EnableGrad : public GradMode {
 public:
  EnableGrad() : GradMode(true) {}
};

// While it lives, each op remembers where it was called, and backward stops at the first gradient that is not
// finite, naming the op and that place. Slow; for debugging.
class DetectAnomaly {
 public:
  DetectAnomaly();
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;

 private:
  bool before_;
};

}  // namespace kiln
