#pragma once

#include <string>
#include <vector>

#include <kiln/io/state/state_format.h>
#include <kiln/tensor/value/value.h>

namespace kiln::io {

// Internal: a tensor of a file that holds nothing but named tensors.
struct NamedTensor {
  std::string name;
  Tensor tensor;
  Value value;                     // it, or the object whose bytes it is
  const RawFormat* raw = nullptr;  // what the bytes mean
  Shape shape;                     // in elements of that
};

// The tensors of a dict, or of dicts, lists and tuples inside it, with their keys joined by '.' as ValueWalk
// does. Throws, naming `path`, for other values, keys that hold tensors or objects, and tensors on a GPU.
std::vector<NamedTensor> named_tensors(const std::string& path, const Value& value);

// Throws unless the tensor is on the CPU.
void check_on_cpu(const std::string& name, const Tensor& x);

}  // namespace kiln::io
