#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <random>

#include <kiln/io/bytes/crc32c.h>
#include <kiln/io/load.h>

#include "support/files.h"

namespace kiln {
namespace {

using test::TemporaryFolder;

Value example() {
  const Tensor w = tensor({{1.5, 2.5, 3.5}, {4.5, 5.5, 6.5}});
  const Tensor row = from_storage(w.impl()->storage, float32, {{3}, {1}, 3});
  Tensor odd = empty({2, 3, 7, 3}, {.memory_format = MemoryFormat::channels_last});
  std::memset(odd.raw_data(), 7, size_t(odd.numel()) * 4);
  return {{"model", {{"w", w}, {"row", row}, {"odd", odd}, {"odd2", tensor({1, 2, 3, 4, 5, 6, 7, 8, 9})}}},
          {"mask", tensor({true, false})},
          {"epoch", 7},
          {"best", 0.92},
          {"rng", Value::Bytes{"\1\2\3"}},
          {"state", Value::dict({{0, Value::tuple({nullptr, true, "text"})}})}};
}

// Loading must give the value or an Error; anything else leaves through here.
void load_and_compare(const std::string& path, const Value& value, int& errors) {
  try {
    CHECK(io::load(path) == value);
  } catch (const Error& error) {
    ++errors;
    if (std::string(error.what()).find(path) == std::string::npos) FAIL_CHECK(error.what());
  }
}

constexpr size_t kDigits = 32;  // the header's checksum, behind {"__metadata__":{"kiln.crc32c":"

std::string with_right_checksum(std::string header) {
  if (header.size() < kDigits + 8) return header;
  header.replace(kDigits, 8, 8, '0');
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", io::crc32c(header.data(), header.size()));
  return header.replace(kDigits, 8, digits);
}

std::string with_length(const std::string& header) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header;
}

// A few random edits, some of which keep the syntax of JSON.
void mutate(std::string& text, std::mt19937_64& random) {
  const auto below = [&](size_t limit) { return size_t(random() % limit); };
  const char* const words[] = {"9223372036854775807",
                               "-1",
                               "4611686018427387904",
                               "0",
                               "1e308",
                               "null",
                               "[",
                               "]",
                               "{",
                               "}",
                               "\\\"tensor\\\"",
                               "\\\"strides\\\"",
                               "\\\"dict\\\"",
                               ",",
                               ":"};
  for (size_t edits = 1 + below(3); edits > 0 && !text.empty(); --edits) {
    const size_t at = below(text.size());
    const size_t digit = text.find_first_of("0123456789", at);
    switch (below(6)) {
      case 0:
        text[at] = char(random());
        break;
      case 1:
        text.erase(at, 1 + below(20));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size()), below(40)));
        break;
      case 3:
        text.replace(at, below(5), words[below(std::size(words))]);
        break;
      default:  // numbers are what sizes, strides and offsets are made of
        if (digit == std::string::npos) break;
        if (below(2) == 0)
          text[digit] = char('0' + below(10));
        else
          text.replace(digit, 1, words[below(5)]);
    }
  }
}

}  // namespace

TEST_CASE("crc32c: known values") {
  const std::string text = "123456789", zeros(32, '\0'), ones(32, '\xff');
  CHECK(io::crc32c(text.data(), text.size()) == 0xe3069283);
  CHECK(io::crc32c(zeros.data(), 32) == 0x8a9136aa);  // RFC 3720, B.4
  CHECK(io::crc32c(ones.data(), 32) == 0x62a8ab43);
  CHECK(io::crc32c("", 0) == 0);
  std::string bytes(100000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = char(i * i % 253);
  uint32_t naive = ~0u;  // bit by bit
  for (const unsigned char byte : bytes) {
    naive ^= byte;
    for (int bit = 0; bit < 8; ++bit) naive = naive & 1 ? naive >> 1 ^ 0x82f63b78 : naive >> 1;
  }
  CHECK(io::crc32c(bytes.data(), bytes.size()) == ~naive);
  for (const size_t cut : {size_t(0), size_t(1), size_t(7), size_t(24576), size_t(50001)})
    CHECK(io::crc32c(bytes.data() + cut, bytes.size() - cut, io::crc32c(bytes.data(), cut)) == ~naive);
}

TEST_CASE("state file: any changed byte gives an error or the same value") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.kiln";
  io::save(path, example());
  const std::string good = test::read_file(path);
  int errors = 0;
  for (size_t i = 0; i < good.size(); ++i)
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string bad = good;
      bad[i] = char(bad[i] ^ flip);
      test::write_file(path, bad);
      CAPTURE(i);
      CAPTURE(flip);
      load_and_compare(path, example(), errors);
    }
  CHECK(errors > int(good.size()) * 5 / 2);  // nearly all; fillers are not looked at
}

TEST_CASE("state file: cut at any length it gives an error") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.kiln";
  io::save(path, example());
  const std::string good = test::read_file(path);
  int errors = 0;
  for (size_t length = 0; length < good.size(); ++length) {
    test::write_file(path, good.substr(0, length));
    load_and_compare(path, example(), errors);
  }
  CHECK(errors == int(good.size()));
  test::write_file(path, good + "x");
  load_and_compare(path, example(), errors);
  CHECK(errors == int(good.size()) + 1);
}

TEST_CASE("state file: random damage behind a right checksum never crashes") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.kiln";
  io::save(path, example());
  const std::string good = test::read_file(path);
  uint64_t length = 0;
  std::memcpy(&length, good.data(), 8);
  const std::string header = good.substr(8, length), data = good.substr(8 + length);
  REQUIRE(with_length(with_right_checksum(header)) + data == good);
  std::mt19937_64 random(2026);
  int loaded = 0, refused = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) {
    std::string bad_header = header, bad_data = data;
    mutate(random() % 8 == 0 ? bad_data : bad_header, random);
    std::string bad =
        with_length(random() % 8 == 0 ? bad_header : with_right_checksum(bad_header)) + bad_data;
    if (random() % 16 == 0) mutate(bad, random);
    test::write_file(path, bad);
    try {
      const Value value = io::load(path, {.verify = random() % 2 == 0, .map = random() % 2 == 0});
      CHECK(to_string(value).size() < 100000);
      ++loaded;
    } catch (const Error& error) {
      ++refused;
      CHECK(std::string(error.what()).size() < 1000);
    }
  }
  CHECK(loaded > 0);
  CHECK(refused > 0);
  MESSAGE(loaded, " loaded, ", refused, " refused");
}

}  // namespace kiln
