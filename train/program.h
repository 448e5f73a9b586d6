#pragma once

#include <string>

#include <kiln/tensor/base/function.h>

namespace kiln::train {

// The body of a main(): runs it and returns its exit status; an Error, or any other exception, is printed on
// standard error as "name: message" and gives 1.
int run_program(const char* name, const Function<int()>& body);

// The command that started the program, as a shell reads it, followed by `more` unless that is among its
// words: command_text(argc, argv, "--resume").
std::string command_text(int argc, const char* const* argv, const std::string& more = "");

}  // namespace kiln::train
