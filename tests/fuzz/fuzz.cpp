#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/targets.h"

// libFuzzer's entry, for the target that KILN_FUZZ_TARGET names.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const kiln::fuzz::Target* const target = kiln::fuzz::find_target(KILN_FUZZ_TARGET);
  const std::string problem = kiln::fuzz::problem_of(*target, {reinterpret_cast<const char*>(data), size});
  if (problem.empty()) return 0;
  std::fprintf(stderr, "%s\n", problem.c_str());
  std::abort();
}
