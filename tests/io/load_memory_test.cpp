#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/io/load.h>
#include <kiln/io/look.h>
#include <kiln/nn/layers/linear.h>
#include <kiln/tensor/cpu/allocator.h>

#include "support/files.h"
#include "support/pickle_pieces.h"

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

// A stream's pickles do not say how long they are: all that follows might be one.
TEST_CASE("load memory: verify of a stream needs none for its data") {
  using test::call, test::global, test::number, test::numbers, test::storage, test::text;
  constexpr int64_t kCount = 32 << 20, kMost = 48 << 20;
  const std::string begin = "\x80\2";
  std::string head =
      begin + "\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19." + begin + "M\xE9\3." + begin + "}.";
  head += begin + call("torch._utils", "_rebuild_tensor_v2",
                       {storage("Float", "0", kCount), number(0), numbers({kCount}), numbers({1}), "\x89",
                        global("collections", "OrderedDict") + ")R"});
  head += "." + begin + "](" + text("0") + "e." + number(kCount).substr(2);
  const test::TemporaryFolder folder;
  const std::string path = folder.write("x.pt", head);
  std::filesystem::resize_file(path, head.size() + kCount * sizeof(float));
  host::empty_cache();
  const int64_t before = host::memory_statistics().held_bytes;
  CHECK(io::verify(path).as_tensor().shape() == Shape{kCount});
  CHECK(host::memory_statistics().held_bytes - before <= kMost);
}

}  // namespace kiln
