#include <kiln/io/bytes/crc32.h>

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kiln::io {
namespace {

uint32_t with_zlib(const void* data, size_t size, uint32_t before) {
  return uint32_t(::crc32_z(before, static_cast<const Bytef*>(data), size));
}

#if defined(__x86_64__)

// Gopal et al., Fast CRC computation for generic polynomials using PCLMULQDQ, Intel 2009: four lanes of 16
// bytes are multiplied to where the next 64 bytes begin and added to them. What is left is 16 bytes with the
// checksum of all. The constants are powers of x modulo the polynomial, for a step of 64 bytes and of 16.
constexpr size_t kLane = 16, kStep = 4 * kLane;

__attribute__((target("pclmul,sse4.1"))) __m128i fold(__m128i lane, __m128i powers, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(lane, powers, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lane, powers, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse4.1"))) uint32_t with_products(const unsigned char* data, size_t size,
                                                                uint32_t before) {
  const __m128i by_step = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_lane = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const auto load = [&](size_t lane) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + lane * kLane));
  };
  __m128i a = _mm_xor_si128(load(0), _mm_cvtsi32_si128(int(~before)));
  __m128i b = load(1), c = load(2), d = load(3);
  for (data += kStep, size -= kStep; size >= kStep; data += kStep, size -= kStep) {
    a = fold(a, by_step, load(0));
    b = fold(b, by_step, load(1));
    c = fold(c, by_step, load(2));
    d = fold(d, by_step, load(3));
  }
  d = fold(fold(fold(a, by_lane, b), by_lane, c), by_lane, d);
  for (; size >= kLane; data += kLane, size -= kLane) d = fold(d, by_lane, load(0));

  unsigned char last[kLane];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last), d);
  constexpr uint32_t kNothing = ~uint32_t(0);  // zlib inverts it: a register of zeros
  return with_zlib(data, size, with_zlib(last, kLane, kNothing));
}

#endif

}  // namespace

uint32_t crc32(const void* data, size_t size, uint32_t before) {
#if defined(__x86_64__)
  static const bool has_products = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  if (has_products && size >= kStep)
    return with_products(static_cast<const unsigned char*>(data), size, before);
#endif
  return with_zlib(data, size, before);
}

}  // namespace kiln::io
