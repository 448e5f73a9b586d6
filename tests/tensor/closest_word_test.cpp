#include <kiln/tensor/base/closest_word.h>

#include <doctest/doctest.h>

namespace kiln {

TEST_CASE("closest word: what a mistyped one meant") {
  const std::vector<std::string> words = {"inspect", "convert", "diff", "verify", "--stats", "--sha256"};
  CHECK(closest_word("inspekt", words) == "inspect");
  CHECK(closest_word("dif", words) == "diff");
  CHECK(closest_word("--stat", words) == "--stats");
  CHECK(closest_word("con", words) == "convert");
  CHECK(closest_word("verfiy", words) == "verify");
  CHECK(closest_word("--s", words) == "");
  CHECK(closest_word("frobnicate", words) == "");
  CHECK(closest_word("", words) == "");
  CHECK(closest_word("x", {}) == "");
  CHECK(edit_distance("kitten", "sitting", 9) == 3);
  CHECK(edit_distance("", "abc", 9) == 3);
  CHECK(edit_distance("kitten", "sitting", 2) == 2);
}

}  // namespace kiln
