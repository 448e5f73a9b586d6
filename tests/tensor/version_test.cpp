#include <kiln/tensor/base/version.h>

#include <doctest/doctest.h>

#include <string>

#include <support/files.h>

namespace kiln {

TEST_CASE("version: what project() in CMakeLists.txt says, and nothing else does") {
  const std::string lists = test::read_file("CMakeLists.txt");
  CHECK(test::contains(lists, "project(kiln VERSION " + std::string(version()) + " "));
}

}  // namespace kiln
