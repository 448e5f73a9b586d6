#pragma once

#include <kiln/autograd/ops_nn.h>

// Internal, for the sources of losses.

namespace kiln {

// PyTorch's name.
constexpr const char* name_of(Reduction reduction) {
  return reduction == Reduction::mean ? "mean" : reduction == Reduction::sum ? "sum" : "none";
}

}  // namespace kiln
