#include <kiln/data/random_stream.h>

#include <cstddef>
#include <utility>

namespace kiln::data {
namespace {

// Each use of a seed has keys of its own, so that no two draw the same numbers.
enum class Use : uint64_t { sample = 1, order = 2, split = 3, batch = 4 };

uint64_t key_of(uint64_t seed, Use use, int64_t epoch) {
  const PhiloxBlock block = philox(seed, uint64_t(use) << 56 | (uint64_t(epoch) & ((uint64_t(1) << 56) - 1)));
  return uint64_t(block.words[1]) << 32 | block.words[0];
}

// A sample may draw 2^24 blocks before it reaches the next sample's.
constexpr int kBlocksPerSample = 24;

}  // namespace

RandomStream::RandomStream(uint64_t seed, int64_t epoch, int64_t sample)
    : RandomStream(PhiloxState{key_of(seed, Use::sample, epoch), uint64_t(sample) << kBlocksPerSample}) {}

RandomStream RandomStream::for_order(uint64_t seed, int64_t epoch) {
  return RandomStream(PhiloxState{key_of(seed, Use::order, epoch), 0});
}

RandomStream RandomStream::for_split(uint64_t seed) {
  return RandomStream(PhiloxState{key_of(seed, Use::split, 0), 0});
}

RandomStream RandomStream::for_batch(uint64_t seed, int64_t epoch, int64_t batch) {
  return RandomStream(PhiloxState{key_of(seed, Use::batch, epoch), uint64_t(batch) << kBlocksPerSample});
}

uint32_t RandomStream::bits() {
  if (left_ == 0) {
    block_ = philox(state_.seed, state_.offset++);
    left_ = 4;
  }
  return block_.words[4 - left_--];
}

double RandomStream::uniform_double() {
  const uint64_t low = bits(), high = bits();
  return double((high << 32 | low) >> 11) * 0x1p-53;
}

// The high word of bound * (64 random bits): the bias is below bound / 2^64.
int64_t RandomStream::below(int64_t bound) {
  const uint64_t low = bits(), high = bits();
  __extension__ using Wide = unsigned __int128;
  return int64_t((Wide(high << 32 | low) * uint64_t(bound)) >> 64);
}

void shuffle(std::vector<int64_t>& values, RandomStream& random) {
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[std::size_t(random.below(int64_t(i)))]);
}

}  // namespace kiln::data
