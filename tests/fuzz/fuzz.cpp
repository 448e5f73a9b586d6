#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/targets.h"

// libFuzzer's entries, for the target that KILN_FUZZ_TARGET names.
extern "C" {
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed);
}

namespace {

const kiln::fuzz::Target& target() {
  static const kiln::fuzz::Target* const found = kiln::fuzz::find_target(KILN_FUZZ_TARGET);
  return *found;
}

std::string mutate_blindly(std::string bytes, size_t most) {
  if (most == 0) return "";
  const size_t size = std::min(bytes.size(), most);
  bytes.resize(most);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(bytes.data()), size, most));
  return bytes;
}

// Inputs that were mutated lately: libFuzzer shows its corpus to nobody.
std::string& place_for_another(std::vector<std::string>& others, kiln::fuzz::Random& random) {
  constexpr size_t kMost = 64;
  return others.size() < kMost ? others.emplace_back() : random.of(others);
}

// One mutation in so many is libFuzzer's own; KILN_FUZZ_BLIND makes it each.
constexpr size_t kBlindShare = 4;

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string problem = kiln::fuzz::problem_of(target(), {reinterpret_cast<const char*>(data), size});
  if (problem.empty()) return 0;
  std::fprintf(stderr, "%s\n", problem.c_str());
  std::abort();
}

size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const bool is_blind = std::getenv("KILN_FUZZ_BLIND") != nullptr;
  static std::vector<std::string> others;
  kiln::fuzz::Mutation mutation = {.random = kiln::fuzz::Random(seed), .blind = mutate_blindly};
  if (is_blind || mutation.random.one_in(kBlindShare)) return LLVMFuzzerMutate(data, size, most);
  const std::string input(reinterpret_cast<const char*>(data), size);
  mutation.whole = input;
  mutation.others = others;
  const std::string made = target().mutate(input, mutation);
  if (mutation.random.one_in(8)) place_for_another(others, mutation.random) = input;
  if (made.empty() || made.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::memcpy(data, made.data(), made.size());
  return made.size();
}
