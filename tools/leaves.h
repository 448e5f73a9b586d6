#pragma once

#include <string>
#include <vector>

#include <kiln/tensor/value.h>

namespace kiln::tools {

// A tensor of a value.
struct Leaf {
  std::string key;  // the way to it, joined with '.'
  const Tensor* tensor;
  std::string shares;  // the key of an earlier tensor that it overlaps in memory; empty when it overlaps none
};

// The tensors in order. `value` must outlive them.
std::vector<Leaf> leaves_of(const Value& value);

}  // namespace kiln::tools
