#pragma once

#include <kiln/nn/module.h>
#include <kiln/tensor/value/value.h>

// Internal: where in a checkpoint a network's weights are.

namespace kiln::nn::detail {

struct WeightsPlace {
  std::string path;    // of the dict that holds them, as Value::at takes it
  std::string prefix;  // before all of their names: "module."
  size_t found = 0;    // of the network's names, that many are there
  size_t wanted = 0;   // names that the network has
};
// The place whose names, less a prefix that wrappers put before them, are most of the network's.
WeightsPlace find_place(const Module& module, const Value& value);

}  // namespace kiln::nn::detail
