#pragma once

// Internal: what a reader leaves to be read later.

#include <memory>
#include <vector>

#include <kiln/io/load.h>

namespace kiln::io {

// Of the device meta: without memory, as PyTorch's tensors of that device are.
Ref<Storage> without_memory(int64_t bytes);
// Whether it is one of an outline: without memory too, but its data are elsewhere, and it knows how to get
// them. save() reads them when their turn comes.
bool is_placeholder(const Storage& storage);
// Without data that could be had.
bool has_no_data(const Tensor& x);

// Bytes other than 0 and 1 of a bool tensor on the CPU become 1; nothing happens to others.
void correct_bools(const Tensor& x);
// The data of a placeholder; any other storage itself.
Ref<Storage> data_of(const Ref<Storage>& storage);
// With them; what is no placeholder is returned as it is.
Tensor with_data(const Tensor& x);

// Makes such storages. They outlive it.
class Outline {
 public:
  using Read = Function<Ref<Storage>()>;

  // keeps: data that were read stay in memory, and a placeholder always gives the same. Else they are read
  // each time; only those that were read last are there still, for others that are parts of them.
  explicit Outline(bool keeps = true);
  // `read` must hold what it needs by value. One that reads a file and asks no other placeholder wants
  // nothing of what was read last, which then makes room for it.
  enum class From { others, file };
  Ref<Storage> add(int64_t bytes, Read read, From from = From::others);

  Value metadata;
  // Each compares the checksums of some of the data, or just reads them, piece by piece.
  std::vector<Function<void()>> checks;

  struct Newest;

 private:
  std::shared_ptr<Newest> newest_;  // null: it keeps all
};

// With an outline, a reader reads no data.
struct ReadOptions : LoadOptions {
  Outline* outline = nullptr;
  // A mapped file cannot be written to: for those who only look. A file larger than memory can be mapped so.
  bool read_only = false;
};

}  // namespace kiln::io
