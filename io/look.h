#pragma once

#include <kiln/io/load.h>

namespace kiln::io {

// Internal: for programs that look at a file once, also at one that is larger than memory.

// What load() gives, for one who passes it on: data are read when their tensor is saved or with_data() asks,
// each time anew, and compared with their checksums. So the memory is enough that the largest tensors need,
// and where these can stay as they lie in the file, none.
Value look(const std::string& path, const LoadOptions& options = {});
// kiln::cast of such tensors, each when it is written.
StateDict cast_later(const StateDict& state, DType dtype);

// Reads all of a file, piece by piece, compares all checksums that it has, and throws what is wrong. Gives
// the outline of the value (File::outline()).
Value verify(const std::string& path, const LoadOptions& options = {});

}  // namespace kiln::io
