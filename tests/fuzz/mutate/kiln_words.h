#pragma once

#include "fuzz/mutate/json_changes.h"

namespace kiln::fuzz {

// What the value tree of a state file (docs/state-file.md) is made of; tensors are of the header's blocks.
JsonWords kiln_words(const Json& header);

}  // namespace kiln::fuzz
