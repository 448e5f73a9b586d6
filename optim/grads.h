#pragma once

#include <kiln/kernels/flat/flat.h>

// Internal.

namespace kiln::optim {

// The gradients of parameters as stretches of memory, for functions that change them in place; those without
// one are passed over. One that is not dense is worked on in a dense copy. Throws, with the name of `op`,
// when they are on several devices.
class Grads {
 public:
  Grads(const char* op, const Tensors& params) : op_(op) { add(params); }
  explicit Grads(const char* op) : op_(op) {}

  void add(const Tensors& params);
  // The CPU where there is no gradient.
  Device device() const { return grads_.empty() ? cpu : grads_[0].device(); }
  bool none() const { return grads_.empty(); }
  kernels::FlatSpans spans() const { return spans_; }
  // Around a write.
  void begin_write() const;
  void end_write() const;

 private:
  const char* op_;
  Tensors grads_, dense_;
  std::vector<kernels::FlatSpan> spans_;
};

}  // namespace kiln::optim
