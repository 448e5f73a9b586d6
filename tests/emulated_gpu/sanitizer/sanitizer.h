#pragma once

// Checks each access of a kernel: bounds, alignment, initialised memory, and races, whatever order the
// threads ran in. Kernel files are compiled with -fsanitize=thread for the calls that GCC puts before each
// load and store; this takes the place of GCC's own library, whose rules are not the GPU's. One worker only.

#include <cstddef>

namespace kiln::emulated {

void install_sanitizer();
void check(const void* p, size_t bytes, bool write, bool atomic, const void* instruction);

}  // namespace kiln::emulated
