#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include <kiln/tensor/base/fail.h>

#include "support/files.h"

namespace kiln::test {

struct Ran {
  int status;
  std::string out, error;
};

class Command : public TemporaryFolder {
 public:
  // In this folder: run("inspect a.kiln").
  Ran run(const std::string& arguments) const {
    const int status = std::system(
        fmt::format("cd {} && > out.txt 2> error.txt {} {}", path(), KILN_COMMAND, arguments).c_str());
    REQUIRE(WIFEXITED(status));
    return {WEXITSTATUS(status), read_file(*this / "out.txt"), read_file(*this / "error.txt")};
  }
  std::string out(const std::string& arguments) const {
    const Ran ran = run(arguments);
    REQUIRE_MESSAGE(ran.status == 0, ran.error);
    return ran.out;
  }
};

}  // namespace kiln::test
