#pragma once

#include <span>

namespace kiln::kernels {

struct Import {
  const char* name;
  void* function;  // what the library shall call from now on
  void* original;
};

// In the loaded library that holds the code at `address`, calls of the named functions of other libraries go
// to others. False, with nothing changed, where the library does not import them all, or its table cannot be
// written.
bool replace_imports(const void* address, std::span<const Import> imports);

}  // namespace kiln::kernels
