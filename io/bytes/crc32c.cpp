#include <kiln/io/bytes/crc32c.h>

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace kiln::io {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, lowest bit is the highest power

// a * b modulo the polynomial.
constexpr uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (int bit = 31; bit >= 0; --bit) {
    if ((a >> bit & 1) != 0) product ^= b;
    b = b & 1 ? b >> 1 ^ kPolynomial : b >> 1;
  }
  return product;
}

// x ^ (8 * bytes): multiplying with it moves a checksum over that many zero bytes.
constexpr uint32_t shift_over(size_t bytes) {
  uint32_t result = 0x80000000, square = 0x00800000;  // 1 and x^8
  for (; bytes != 0; bytes >>= 1) {
    if (bytes & 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables = {};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ kPolynomial : crc >> 1;
    tables[0][i] = crc;
  }
  for (size_t t = 1; t < 8; ++t)
    for (size_t i = 0; i < 256; ++i) tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 255];
  return tables;
}

uint32_t update_with_tables(uint32_t crc, const unsigned char* data, size_t size) {
  static constexpr Tables kTables = make_tables();
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    word ^= crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][word >> 8 * i & 255];
  }
  for (; size > 0; ++data, --size) crc = crc >> 8 ^ kTables[0][(crc ^ *data) & 255];
  return crc;
}

#if defined(__x86_64__)

// The instruction takes one word a cycle but answers after three, so three parts run side by side.
constexpr size_t kPart = 8192;

[[gnu::target("sse4.2")]] uint32_t update_with_instruction(uint32_t crc, const unsigned char* data,
                                                           size_t size) {
  const auto word = [](const unsigned char* at) {
    uint64_t value;
    std::memcpy(&value, at, 8);
    return value;
  };
  static constexpr uint32_t kShift = shift_over(kPart);
  for (; size >= 3 * kPart; data += 3 * kPart, size -= 3 * kPart) {
    uint64_t a = crc, b = 0, c = 0;
    for (size_t i = 0; i < kPart; i += 8) {
      a = _mm_crc32_u64(a, word(data + i));
      b = _mm_crc32_u64(b, word(data + kPart + i));
      c = _mm_crc32_u64(c, word(data + 2 * kPart + i));
    }
    crc = multiply(kShift, multiply(kShift, uint32_t(a)) ^ uint32_t(b)) ^ uint32_t(c);
  }
  uint64_t rest = crc;
  for (; size >= 8; data += 8, size -= 8) rest = _mm_crc32_u64(rest, word(data));
  crc = uint32_t(rest);
  for (; size > 0; ++data, --size) crc = _mm_crc32_u8(crc, *data);
  return crc;
}

#endif

}  // namespace

uint32_t crc32c(const void* data, size_t size, uint32_t before) {
  const auto* bytes = static_cast<const unsigned char*>(data);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~update_with_instruction(~before, bytes, size);
#endif
  return ~update_with_tables(~before, bytes, size);
}

}  // namespace kiln::io
