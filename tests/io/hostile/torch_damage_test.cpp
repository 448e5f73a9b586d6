#include <doctest/doctest.h>

#include <chrono>
#include <random>

#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>

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

// Deflated code of TorchScript, and what else nothing asks for.
TEST_CASE("damage: a changed byte in any record of an archive is found") {
  const test::TemporaryFolder folder;
  for (const std::string name : {"script.pt", "zip.pt", "arrays.npz"}) {
    CAPTURE(name);
    const std::string whole = test::read_file("tests/io/fixtures/" + name);
    size_t records = 0;
    for (size_t at = whole.find("PK\3\4"); at != whole.npos; at = whole.find("PK\3\4", at + 4)) {
      const auto u16 = [&](size_t place) {
        return size_t(uint8_t(whole[at + place])) + 256 * size_t(uint8_t(whole[at + place + 1]));
      };
      const size_t data = at + 30 + u16(26) + u16(28);
      if (whole.substr(data, 2) == "PK") continue;  // a record without bytes
      std::string bad = whole;
      bad[data] = char(bad[data] ^ 1);
      const std::string record = whole.substr(at + 30, u16(26));
      const std::string error = test::error_of([&] { io::load(folder.write("x.pt", bad)); });
      CHECK_MESSAGE(test::contains(error, "record '" + record + "' is damaged: its "), error);
      CHECK_MESSAGE(test::contains(error, "CRC-32"), error);
      ++records;
    }
    CHECK(records > 2);
  }
}

TEST_CASE("damage: torch zip") { damage("zip.pt"); }
TEST_CASE("damage: modules") { damage("module.pt"); }
TEST_CASE("damage: quantised and sparse tensors") { damage("special.pt"); }
TEST_CASE("damage: TorchScript") {
  for (const char* name : {"script.pt", "script_parts.pt"}) damage(name);
}
TEST_CASE("damage: legacy stream") { damage("legacy.pt"); }
TEST_CASE("damage: legacy stream as text") { damage("legacy1.pt"); }
TEST_CASE("damage: tar") { damage("tar.pt"); }
TEST_CASE("damage: plain pickle") { damage("plain.pkl"); }
TEST_CASE("damage: npy") { damage("fortran.npy"); }
TEST_CASE("damage: npz") { damage("arrays.npz"); }

}  // namespace kiln
