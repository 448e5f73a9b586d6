#pragma once

#include <unordered_map>
#include <vector>

#include <kiln/io/torch/torch_types.h>
#include <kiln/tensor/value/value.h>

// Internal: what a PyTorch file that is to be written holds beside its pickle.

namespace kiln::io {

// PyTorch's class of a storage of that dtype; null where only an untyped storage holds it.
const char* storage_class(DType dtype);

// An object's part of that name, when it is a tensor; else null.
const Tensor* tensor_in(const Value& object, const char* name);
// Of an object whose "values" are integers that mean something else; null for any other.
const TorchType* raw_type_of(const Value& object);

// The "values" of such objects with several in a byte of the file, and what they mean.
std::unordered_map<const Tensor*, const TorchType*> packed_in(const Value& value);
// These bytes, which are made when they are written.
Tensor packed_later(const Tensor& values, const TorchType& type);

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
