#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <kiln/io/bytes/source.h>
#include <kiln/io/state/state_format.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {

// Internal: the header of a safetensors file, checked.
struct HeaderEntry {
  std::string name;
  DType dtype = float32;
  Shape shape;
  int64_t begin = 0, end = 0;      // bytes, from the begin of the data part
  uint32_t checksum = 0;           // only in a state file
  const RawFormat* raw = nullptr;  // what the bytes mean, of which dtype and shape are
  Shape raw_shape;                 // in its elements
};

struct StateHeader {
  bool is_plain = true;              // not written by Kiln: no tree and no checksums
  std::vector<HeaderEntry> entries;  // without fillers, in the order of the text
  Value tree;
  Value metadata;          // __metadata__ of a plain file, else none
  int64_t data_begin = 0;  // in the file
};

// Throws when anything but the tree's own content is wrong. `length` bytes are there.
StateHeader read_state_header(const InputFile& file, int64_t length);

// Compares the blocks of a state file with their checksums, read from the file piece by piece.
void check_blocks(const InputFile& file, const StateHeader& header);

// Gives the tensors of the blocks; each block is read once and tensors of one block share its memory.
class BlockReader {
 public:
  // All three must outlive it.
  BlockReader(const Source& source, const StateHeader& header, const ReadOptions& options);

  // The whole block in row-major order.
  Tensor whole(const std::string& name);
  // The same with what the bytes mean.
  Value value(const HeaderEntry& entry);
  // The tensor that {"tensor": name, ...} of the tree describes.
  Tensor tensor(const Value& node);
  // That {"meta": dtype, "shape": ..., "strides": ...} does: of the device meta.
  Tensor without_elements(const Value& node) const;

 private:
  const HeaderEntry& entry(const std::string& name) const;
  const Ref<Storage>& content(const HeaderEntry& entry);
  Tensor view(const HeaderEntry& entry, const Value& node);
  Dims numbers(const Value& node, const char* key) const;
  DType dtype_of(const Value& word, const std::string& what) const;

  const Source& source_;
  const StateHeader& header_;
  const ReadOptions& options_;
  std::unordered_map<std::string_view, size_t, TextHash> index_;
  std::vector<Ref<Storage>> contents_;
  std::vector<Tensor> permuted_;
};

}  // namespace kiln::io
