#pragma once

namespace kiln {

// Whether ops record on this thread. On at the start.
bool grad_enabled();
void set_grad_enabled(bool enabled);

// While it lives, ops do not record.
class NoGrad {
 public:
  NoGrad() : before_(grad_enabled()) { set_grad_enabled(false); }
  ~NoGrad() { set_grad_enabled(before_); }
  NoGrad(const NoGrad&) = delete;

 private:
  bool before_;
};

// While it lives, ops record again inside a NoGrad.
class EnableGrad {
 public:
  EnableGrad() : before_(grad_enabled()) { set_grad_enabled(true); }
  ~EnableGrad() { set_grad_enabled(before_); }
  EnableGrad(const EnableGrad&) = delete;

 private:
  bool before_;
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
