#pragma once

#include <string>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln::tools {

// A tensor of a value.
struct Leaf {
  std::string key;  // the way to it, joined with '.'; '#' begins a part of a quantised or sparse tensor
  const Tensor* tensor;
  std::string shares;  // the key of an earlier tensor that it overlaps in memory; empty when it overlaps none
  std::string dtype;   // of PyTorch's: "quint8" for a tensor of raw integers
};

// Whether it is what io::load makes of a quantised or sparse tensor, or of one whose elements no dtype holds.
bool is_tensor_of_parts(const Value& value);

// Those that a walk does not come to, and leaves_of() does not list.
int64_t tensors_in_keys(const Value& value);
std::string in_keys_text(int64_t count);  // "2 more tensors are in keys"

// The tensors in order. `value` must outlive them.
std::vector<Leaf> leaves_of(const Value& value);

// The tensors that hang on a TorchScript module and are not in its state dict, a dict; null where there are
// none.
const Value* attributes_of(const Value& value);

// An array whose elements no dtype holds: structures and texts of numpy.
struct Foreign {
  std::string key, dtype, shape;
};
std::vector<Foreign> foreign_arrays(const Value& value);

}  // namespace kiln::tools
