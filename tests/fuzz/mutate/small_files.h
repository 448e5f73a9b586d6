#pragma once

#include "fuzz/mutate/mutation.h"

namespace kiln::fuzz {

// A whole file of a few hundred bytes, of any format, or the input or another one where that is small: what
// archives hold as a record and pickles as bytes.
std::string small_file(Mutation& mutation);

}  // namespace kiln::fuzz
