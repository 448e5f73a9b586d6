#include <doctest/doctest.h>

#include <kiln/io/load.h>
#include <kiln/nn/layers/linear.h>
#include <kiln/tensor/cpu/allocator.h>

#include "support/files.h"

namespace kiln {

// From the mapped file into the parameters, and nowhere else; without the mapping there is one copy on the
// way.
TEST_CASE("load memory: a state dict reaches a module without a second copy") {
  const test::TemporaryFolder folder;
  constexpr int64_t kWidth = 2048, kBytes = kWidth * kWidth * 4, kBeside = 1 << 20,
                    kRounding = kBytes / 4;  // of a block, by the allocator
  nn::Linear from(kWidth, kWidth), to(kWidth, kWidth);
  for (const char* name : {"x.pth", "x.safetensors", "x.kiln", "x.npz"}) {
    CAPTURE(name);
    const std::string path = folder / name;
    io::save(path, from.state_dict());
    for (const bool map : {true, false}) {
      host::empty_cache();
      const int64_t before = host::memory_statistics().held_bytes;
      const float* const place = to.weight.data<float>();
      to.weight.detach().fill_(0);
      to.load_state_dict(io::load(path, {.map = map}).as_state_dict());
      // What is freed is still held: this is the most that was needed.
      const int64_t most = host::memory_statistics().held_bytes - before;
      CHECK(most <= (map ? 0 : kBytes + kRounding) + kBeside);
      CHECK(to.weight.data<float>() == place);
      CHECK(Value(to.weight.detach()) == Value(from.weight.detach()));
    }
  }
}

}  // namespace kiln
