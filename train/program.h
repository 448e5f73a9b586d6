#pragma once

#include <kiln/tensor/function.h>

namespace kiln::train {

// The body of a main(): runs it and returns its exit status; an Error, or any other exception, is printed on
// standard error as "name: message" and gives 1.
int run_program(const char* name, const Function<int()>& body);

}  // namespace kiln::train
