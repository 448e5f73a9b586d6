#pragma once

// Internal: what a reader leaves to be read later.

#include <unordered_map>
#include <vector>

#include <kiln/io/load.h>

namespace kiln::io {

// Of the device meta: without memory, as PyTorch's tensors of that device are.
Ref<Storage> without_memory(int64_t bytes);
// Whether it is one of an outline, which stands for data that are elsewhere: not to be saved in their place.
bool is_placeholder(const Storage& storage);

// Such storages, and for each how to get its data.
class Outline {
 public:
  using Read = Function<Ref<Storage>()>;

  Ref<Storage> add(int64_t bytes, Read read);
  // The data of a storage of this outline, always the same; any other storage itself.
  Ref<Storage> data(const Ref<Storage>& storage);

  Value metadata;
  // Each compares the checksums of some of the data, or just reads them, piece by piece.
  std::vector<Function<void()>> checks;

 private:
  struct Entry {
    Ref<Storage> placeholder;  // keeps its address from being used again
    Read read;
    Ref<Storage> data;
  };
  std::unordered_map<const Storage*, Entry> entries_;
};

// With an outline, a reader reads no data.
struct ReadOptions : LoadOptions {
  Outline* outline = nullptr;
  // A mapped file cannot be written to: for those who only look. A file larger than memory can be mapped so.
  bool read_only = false;
};

}  // namespace kiln::io
