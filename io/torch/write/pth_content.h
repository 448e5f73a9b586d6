#pragma once

#include <vector>

#include <kiln/tensor/value/value.h>

// Internal: what a PyTorch file that is to be written holds beside its pickle.

namespace kiln::io {

// PyTorch's class of a storage of that dtype; null where only an untyped storage holds it.
const char* storage_class(DType dtype);

// A storage of the file: the elements of `source` as they lie in memory, or in row-major order.
struct PthRecord {
  Tensor source;
  bool keeps_strides = false;
};

// A tensor of the file, in elements of its record.
struct PthPart {
  static constexpr size_t kNoRecord = SIZE_MAX;  // of the device meta
  size_t record = 0;
  Layout layout;
};

struct PthContent {
  std::vector<PthRecord> records;
  std::vector<PthPart> parts;  // one a tensor, in the order of Value::tensors()
  int64_t bytes = 0;
};

// Throws for what cannot be saved. Tensors of one piece of memory share a record.
PthContent pth_content(const Value& value);

// The pickle of the value; `path` is for errors, which say what PyTorch's files cannot hold.
std::string pth_pickle(const Value& value, const PthContent& content, const std::string& path);

}  // namespace kiln::io
