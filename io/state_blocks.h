#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <kiln/io/file.h>
#include <kiln/io/state_format.h>

namespace kiln::io {

// Internal: the header of a safetensors file, checked.
struct HeaderEntry {
  std::string name;
  DType dtype = float32;
  Shape shape;
  int64_t begin = 0, end = 0;  // bytes, from the begin of the data part
  uint32_t checksum = 0;       // only in a state file
};

struct StateHeader {
  bool is_plain = true;              // not written by Kiln: no tree and no checksums
  std::vector<HeaderEntry> entries;  // without fillers, in the order of the text
  Value tree;
  int64_t data_begin = 0;  // in the file
};

// Throws when anything but the tree's own content is wrong. `length` bytes are there.
StateHeader read_state_header(const InputFile& file, int64_t length);

// Gives the tensors of the blocks; each block is read once and tensors of one block share its memory.
class BlockReader {
 public:
  BlockReader(const InputFile& file, const StateHeader& header, const LoadOptions& options);

  // The whole block in row-major order.
  Tensor whole(const std::string& name);
  // The tensor that {"tensor": name, ...} of the tree describes.
  Tensor tensor(const Value& node);

 private:
  const HeaderEntry& entry(const std::string& name) const;
  const Ref<Storage>& content(const HeaderEntry& entry);
  bool takes_checksums() const { return !header_.is_plain && options_.verify; }
  Ref<Storage> read(const HeaderEntry& entry, uint32_t* checksum) const;
  void check(const HeaderEntry& entry, const Storage& storage, uint32_t checksum) const;
  Tensor view(const HeaderEntry& entry, const Value& node);
  Dims numbers(const Value& node, const char* key) const;

  const InputFile& file_;
  const StateHeader& header_;
  LoadOptions options_;
  Ref<Storage> mapping_;
  std::unordered_map<std::string_view, size_t> index_;
  std::vector<Ref<Storage>> contents_;
  std::vector<Tensor> permuted_;
};

}  // namespace kiln::io
