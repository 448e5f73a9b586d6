#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace kiln::fuzz {

// Random numbers by splitmix64: the same for the same seed, everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }
  // 0 for a limit of 0.
  size_t below(size_t limit) { return limit == 0 ? 0 : size_t(next() % limit); }
  bool one_in(size_t n) { return below(n) == 0; }
  template <class List>
  auto& of(List& list) {
    return list[below(std::size(list))];
  }

 private:
  uint64_t state_;
};

// What changes bytes of which nothing is known, to at most `most` of them: libFuzzer's own mutations.
using Blind = std::function<std::string(std::string bytes, size_t most)>;

// What the mutations of one input draw from.
struct Mutation {
  Random random;
  Blind blind;
  std::string_view whole = {};                       // the input: archives lie in archives
  std::span<const std::string> others = {};          // of the same target
  std::map<std::string_view, int>* kinds = nullptr;  // how often each was made, where somebody counts

  void did(std::string_view kind) {
    if (kinds != nullptr) ++(*kinds)[kind];
  }
  std::string blindly(std::string_view bytes) { return blind(std::string(bytes), bytes.size() + 16); }
  // The input, another one, or "" when there is none.
  std::string_view other() {
    return others.empty() || random.one_in(3) ? whole : std::string_view(random.of(others));
  }
};

// A number that readers may trip over.
int64_t odd_number(Random& random);

// Each changes a file of its kind at one place or a few, and puts right what says how long the parts are and
// what their checksums are, so that the change reaches what lies behind; now and then it leaves that wrong.
// "" for what is no file of the kind.
std::string mutate_pickle(std::string_view bytes, Mutation& mutation);
std::string mutate_zip(std::string_view bytes, Mutation& mutation);
// Pickles with data between them, as torch.save's old stream is.
std::string mutate_stream(std::string_view bytes, Mutation& mutation);
std::string mutate_tar(std::string_view bytes, Mutation& mutation);
std::string mutate_safetensors(std::string_view bytes, Mutation& mutation);
std::string mutate_kiln(std::string_view bytes, Mutation& mutation);
std::string mutate_npy(std::string_view bytes, Mutation& mutation);
// An index of shards.
std::string mutate_index(std::string_view bytes, Mutation& mutation);

// A chunk of a PNG, a segment of a JPEG; other pictures are changed blindly.
std::string mutate_picture(std::string_view bytes, Mutation& mutation);

}  // namespace kiln::fuzz
