#pragma once

#include <string>
#include <utility>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln::io {

// Internal: the tensors of a dict, or of dicts, lists and tuples inside it, with their keys joined by '.',
// for files that hold nothing else. Throws, naming `path`, for other values, keys that come twice and tensors
// on a GPU.
std::vector<std::pair<std::string, Tensor>> named_tensors(const std::string& path, const Value& value);

// Throws unless the tensor is on the CPU.
void check_on_cpu(const std::string& name, const Tensor& x);

}  // namespace kiln::io
