#include <kiln/tensor/random.h>

namespace kiln {

uint64_t Generator::next() {
  const PhiloxState at = advance(4);
  const PhiloxBlock block = philox(at.seed, at.offset);
  return uint64_t(block.words[1]) << 32 | block.words[0];
}

std::string to_string(const Generator& generator) {
  const PhiloxState state = generator.state();
  return "seed " + std::to_string(state.seed) + ", block " + std::to_string(state.offset);
}

Generator& default_generator() {
  static Generator generator;
  return generator;
}

void manual_seed(uint64_t seed) { default_generator().manual_seed(seed); }

}  // namespace kiln
