#include <kiln/tensor/value/seeded_hash.h>

#include <bit>
#include <cstring>
#include <random>

namespace kiln {
namespace {

struct Seed {
  uint64_t a = drawn(), b = drawn();

 private:
  static uint64_t drawn() {
    std::random_device device;
    return uint64_t(device()) << 32 | device();
  }
};

// Aumasson and Bernstein, 2012, with one round a word and three at the end.
class SipHash {
 public:
  explicit SipHash(const Seed& seed)
      : v0_(seed.a ^ 0x736F6D6570736575),
        v1_(seed.b ^ 0x646F72616E646F6D),
        v2_(seed.a ^ 0x6C7967656E657261),
        v3_(seed.b ^ 0x7465646279746573) {}

  void add(uint64_t word) {
    v3_ ^= word;
    round();
    v0_ ^= word;
  }
  uint64_t finish() {
    v2_ ^= 0xFF;
    for (int i = 0; i < 3; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() {
    v0_ += v1_, v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_, v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_, v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_, v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_, v1_, v2_, v3_;
};

SipHash seeded() {
  static const Seed seed;
  return SipHash(seed);
}

}  // namespace

uint64_t seeded_hash(std::string_view text) {
  SipHash hash = seeded();
  uint64_t word = 0;
  size_t at = 0;
  for (; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    hash.add(word);
  }
  word = uint64_t(text.size()) << 56;
  for (unsigned shift = 0; at < text.size(); ++at, shift += 8)
    word |= uint64_t(static_cast<unsigned char>(text[at])) << shift;
  hash.add(word);
  return hash.finish();
}

uint64_t seeded_hash(uint64_t a, uint64_t b) {
  SipHash hash = seeded();
  hash.add(a);
  hash.add(b);
  return hash.finish();
}

}  // namespace kiln
