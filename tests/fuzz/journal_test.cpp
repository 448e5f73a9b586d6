#include <doctest/doctest.h>

#include <random>

#include "fuzz/journal/journal.h"

// What fuzz_journal does, with mutations of its own: every build has a little of it.

namespace kiln {
namespace {

const std::string kJournal = fuzz::with_right_checksums(
    R"({"n":1,"when":"2026-01-02T03:04:05Z","who":"Ada","path":"a.png","mark":"done","labels":["cat"],"boxes":[],"crc":0})"
    "\n"
    R"({"n":2,"when":"","who":"","class":"horse","crc":0})"
    "\n"
    R"({"n":3,"when":"","who":"Bo","path":"b/c.png","mark":"skipped","labels":[],"boxes":[{"label":"horse","box":[1,2,30,40.5]}],"crc":0})"
    "\n"
    R"({"saved":2,"crc":0})"
    "\n");

}  // namespace

TEST_CASE("journal: what is changed in it is an error that names the file, or comes back") {
  REQUIRE(fuzz::problem_of_journal(kJournal).empty());
  std::mt19937_64 random(7);
  constexpr char kBytes[] = "\n\"{}[],:.0123456789-enabcd\\u\t\xff";
  for (int i = 0; i < 4000; ++i) {
    std::string text = kJournal;
    for (uint64_t rounds = 1 + random() % 3; rounds > 0; --rounds) {
      const size_t at = random() % text.size(), length = std::min<size_t>(random() % 12, text.size() - at);
      switch (random() % 4) {
        case 0:
          text[at] = kBytes[random() % (sizeof kBytes - 1)];
          break;
        case 1:
          text.erase(at, length);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 60));
          break;
        default:
          text.insert(at, 1, kBytes[random() % (sizeof kBytes - 1)]);
      }
      if (text.empty()) text = "\n";
    }
    if (random() % 8 != 0) text = fuzz::with_right_checksums(text);
    CAPTURE(text);
    REQUIRE(fuzz::problem_of_journal(text) == "");
  }
}

}  // namespace kiln
