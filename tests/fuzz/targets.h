#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/mutate/mutation.h"

namespace kiln::fuzz {

// A kind of file whose reader is fuzzed: fuzz.cpp is its program, replay_test.cpp runs what was found once.
struct Target {
  std::string_view name;
  // The files to load for an input: itself and, where checksums or a container keep random bytes from what
  // lies behind them, with these put right.
  std::vector<std::string> (*files_of)(std::string_view input);
  // Changes an input as one who knows the format does.
  std::string (*mutate)(std::string_view input, Mutation& mutation);
  bool is_index = false;  // of shards, which lie beside it
  // In the place of loading a file; it throws what the reader throws.
  std::string (*problem_of_bytes)(std::string_view bytes) = nullptr;
};

std::span<const Target> all_targets();
// Null when there is none of that name.
const Target* find_target(std::string_view name);

// Loads the files of an input in several ways. Each must give a Value whose tensors lie in their memory, or
// an Error of reasonable length that names the file, within a second of processor time. Returns what is
// wrong, or
// "".
std::string problem_of(const Target& target, std::string_view input);

}  // namespace kiln::fuzz
