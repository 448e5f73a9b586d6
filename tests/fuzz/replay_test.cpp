#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "fuzz/targets.h"
#include "support/files.h"

namespace kiln {
namespace {

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> paths;
  if (!std::filesystem::is_directory(folder)) return paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

}  // namespace

// What a fuzzer has found once stays found: a folder for each target.
TEST_CASE("fuzz: inputs that failed once") {
  int files = 0;
  for (const fuzz::Target& target : fuzz::all_targets())
    for (const std::string& path : files_in("tests/fuzz/regressions/" + std::string(target.name))) {
      CAPTURE(path);
      CHECK(fuzz::problem_of(target, test::read_file(path)) == "");
      ++files;
    }
  MESSAGE(files, " files");
}

TEST_CASE("fuzz: every target takes every fixture, whole and in part") {
  for (const fuzz::Target& target : fuzz::all_targets())
    for (const char* folder : {"tests/io/fixtures", "tests/image/fixtures"})
      for (const std::string& path : files_in(folder)) {
        const std::string bytes = test::read_file(path);
        CAPTURE(path);
        CHECK(fuzz::problem_of(target, bytes) == "");
        CHECK(fuzz::problem_of(target, bytes.substr(0, bytes.size() / 2)) == "");
      }
}

}  // namespace kiln
