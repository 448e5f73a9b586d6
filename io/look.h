#pragma once

#include <kiln/io/load.h>

namespace kiln::io {

// Internal: for programs that look at a file once, also at one that is larger than memory.

// What load() gives with `map`, but nobody may write to the tensors, which lie in the file.
Value look(const std::string& path, LoadOptions options = {});

// Reads all of a file, piece by piece, compares all checksums that it has, and throws what is wrong. Gives
// the outline of the value (File::outline()).
Value verify(const std::string& path, const LoadOptions& options = {});

}  // namespace kiln::io
