#pragma once

// Internal: what a reader leaves to be read later.

#include <unordered_map>

#include <kiln/io/load.h>

namespace kiln::io {

// Storages without memory (of the device meta), and for each how to get its data.
class Outline {
 public:
  using Read = Function<Ref<Storage>()>;

  Ref<Storage> add(int64_t bytes, Read read);
  // The data of a storage of this outline, always the same; any other storage itself.
  Ref<Storage> data(const Ref<Storage>& storage);

  Value metadata;

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
};

}  // namespace kiln::io
