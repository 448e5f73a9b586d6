#pragma once

#include <kiln/io/load.h>

namespace kiln::io {

// Internal: throws at once for a device that is not there, a dtype that is not floating, and limits that
// cannot be.
void check_options(const std::string& path, const LoadOptions& options);

// The tensors of `value`, which were read with `map` on, as the options want them: of the dtype, on the
// device, and not mapped unless options.map says so. Those that shared memory share it.
void place(Value& value, const LoadOptions& options);

// The value with the tensors that are on a GPU copied to the host; those that shared memory share it.
Value from_gpu(const Value& value);

}  // namespace kiln::io
