#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/journal/journal.h"

extern "C" {
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string problem = kiln::fuzz::problem_of_journal({reinterpret_cast<const char*>(data), size});
  if (problem.empty()) return 0;
  std::fprintf(stderr, "%s\n", problem.c_str());
  std::abort();
}

// One in eight keeps its wrong checksums.
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 8 == 0) return size;
  const std::string made = kiln::fuzz::with_right_checksums({reinterpret_cast<const char*>(data), size});
  if (made.size() > most) return size;
  std::memcpy(data, made.data(), made.size());
  return made.size();
}
