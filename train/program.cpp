#include <kiln/train/program.h>

#include <cstdio>
#include <exception>

namespace kiln::train {

int run_program(const char* name, const Function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
}

}  // namespace kiln::train
