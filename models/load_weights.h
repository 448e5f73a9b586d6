#pragma once

#include <kiln/models/model.h>
#include <kiln/models/registry.h>

// Internal: a network with the weights of a file.

namespace kiln::nn::models {

// A new network with the file's values, its memory theirs. options.num_classes: what the file has, unless it
// is set; then a head of another size is new. `value` is what the file holds, `path` names it in errors.
Model create_with_weights(const Registered& model, ModelOptions options, const Value& value,
                          const std::string& path);

}  // namespace kiln::nn::models
