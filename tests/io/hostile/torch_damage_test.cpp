#include <doctest/doctest.h>

#include <chrono>
#include <random>

#include <kiln/io/load.h>

#include "support/files.h"

namespace kiln {
namespace {

// A CRC of 0 says that it was not computed, so that damage reaches what lies behind.
std::string without_crcs(std::string bytes) {
  const auto clear = [&](const char* mark, size_t crc_at) {
    for (size_t at = bytes.find(mark); at != bytes.npos; at = bytes.find(mark, at + 4))
      if (at + crc_at + 4 <= bytes.size()) bytes.replace(at + crc_at, 4, 4, '\0');
  };
  clear("PK\1\2", 16);
  clear("PK\3\4", 14);
  clear("PK\7\x08", 4);
  return bytes;
}

void mutate(std::string& bytes, std::mt19937_64& random) {
  const size_t changes = 1 + random() % 3;
  for (size_t i = 0; i < changes && bytes.size() > 1; ++i) {
    const size_t at = random() % bytes.size(),
                 length = std::min<size_t>(1 + random() % 16, bytes.size() - at);
    const size_t from = random() % (bytes.size() - length + 1);
    constexpr char kSpecial[] = {0, 1, 127, char(128), char(255), '(', '.', 'R', 'h', 'b'};
    switch (random() % 8) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(from, length));
        break;
      case 3:
        bytes.replace(at, length, bytes.substr(from, length));
        break;
      case 4:
        bytes[at] = kSpecial[random() % std::size(kSpecial)];
        break;
      default:
        bytes[at] = char(bytes[at] ^ (1 << random() % 8));
    }
  }
}

// Loading gives a value or an Error that names the file; anything else ends the test program.
void damage(const std::string& name) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.pt";
  const std::string whole = test::read_file("tests/io/fixtures/" + name);
  const std::string good = whole.starts_with("PK") ? without_crcs(whole) : whole;
  test::write_file(path, good);
  REQUIRE_NOTHROW(io::load(path));
  std::mt19937_64 random(2026);
  int loaded = 0, refused = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) {
    std::string bad = good;
    mutate(bad, random);
    test::write_file(path, bad);
    try {
      const Value value = io::load(path, {.verify = random() % 2 == 0, .map = random() % 2 == 0});
      CHECK(to_string(value).size() < 1'000'000);
      ++loaded;
    } catch (const Error& error) {
      ++refused;
      const std::string text = error.what();
      if (text.find(path) == text.npos || text.size() > 1000) FAIL_CHECK(text);
    }
  }
  CHECK(refused > 0);
  MESSAGE(name, ": ", loaded, " loaded, ", refused, " refused");
}

}  // namespace

TEST_CASE("damage: torch zip") { damage("zip.pt"); }
TEST_CASE("damage: modules") { damage("module.pt"); }
TEST_CASE("damage: quantised and sparse tensors") { damage("special.pt"); }
TEST_CASE("damage: TorchScript") { damage("script.pt"); }
TEST_CASE("damage: legacy stream") { damage("legacy.pt"); }
TEST_CASE("damage: legacy stream as text") { damage("legacy1.pt"); }
TEST_CASE("damage: tar") { damage("tar.pt"); }
TEST_CASE("damage: plain pickle") { damage("plain.pkl"); }
TEST_CASE("damage: npy") { damage("fortran.npy"); }
TEST_CASE("damage: npz") { damage("arrays.npz"); }

}  // namespace kiln
