#include <doctest/doctest.h>

#include <filesystem>
#include <random>

#include "fuzz/request/request.h"
#include "support/files.h"

namespace kiln {
namespace {

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/request/seeds"))
    all.push_back(test::read_file(entry.path()));
  return all;
}

// A byte, or a piece, is changed, put in, taken out or repeated.
std::string changed(std::string text, std::mt19937_64& random) {
  const auto below = [&](size_t end) { return size_t(random() % (end + 1)); };
  for (size_t rounds = 1 + below(3); rounds > 0; --rounds) {
    const size_t at = below(text.size()), length = below(std::min<size_t>(text.size() - at, 20));
    constexpr char kBytes[] = "\r\n :;,0123456789abcdef%\"[]{}\t\0\x7f\xff-+";
    const char byte = kBytes[below(sizeof kBytes - 1)];
    switch (random() % 4) {
      case 0:
        text.insert(at, 1, byte);
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(below(text.size()), length));
        break;
      default:
        if (at < text.size()) text[at] = byte;
    }
  }
  return text;
}

}  // namespace

TEST_CASE("fuzz: requests, in pieces and whole, are the same and no other error than HTTP's") {
  std::mt19937_64 random(3);
  const std::vector<std::string> all = seeds();
  REQUIRE(all.size() > 5);
  constexpr int kRounds = 4000;
  for (const std::string& seed : all) {
    CHECK(fuzz::problem_of_requests(seed) == "");
    std::string text = seed;
    for (int i = 0; i < kRounds; ++i) {
      text = changed(i % 8 == 0 ? seed : text, random);
      const std::string problem = fuzz::problem_of_requests(text);
      CAPTURE(text);
      REQUIRE(problem == "");
    }
  }
}

}  // namespace kiln
