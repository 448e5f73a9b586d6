#pragma once

#include <cstdint>
#include <string>

#include "shadow.h"

namespace kiln::emulated {

// Instructions as 32-bit distances from the start of the program.
uint32_t place_of(const void* instruction);
std::string place_text(uint32_t place);

struct Problem {
  const char* kind;
  uintptr_t address;
  size_t bytes;
  bool write, shared;
  uint32_t place;
  uint64_t block;
  const Access* other = nullptr;  // what it clashes with
};

// Prints each pair of places once. Returns the text.
std::string report(const Problem& problem);

}  // namespace kiln::emulated
