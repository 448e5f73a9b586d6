#pragma once

// Internal.

#include <vector>

#include <kiln/tensor/base/lock.h>
#include <kiln/tensor/tensor.h>

namespace kiln::autograd {

// Gradients on their way to the memory that an optimiser has set for them. On a GPU one launch copies many of
// them there; until finish() nobody may look at that memory. Any thread may finish it.
class Homecoming : public RefCounted {
 public:
  // home = g, of one shape and dtype.
  void add(const Tensor& home, Tensor g);
  void finish();
  static void destroy(Homecoming* homecoming) { delete homecoming; }

 private:
  struct Copy {
    Tensor home, g;
  };
  void launch();

  Lock lock_;
  std::vector<Copy> copies_;
  int64_t bytes_ = 0;
};

}  // namespace kiln::autograd
