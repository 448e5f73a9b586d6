#pragma once

#include <cstdint>
#include <string_view>

#include <kiln/tensor/dtype/dtype.h>

namespace kiln::io {

// Internal: an element type of PyTorch's files.
struct TorchType {
  std::string_view storage;  // "Float" of torch.FloatStorage
  std::string_view name;     // "float32" of torch.float32
  DType dtype;               // that holds the bits
  bool is_plain = true;      // false: the dtype holds raw integers that mean something else
  int numbers = 1;           // in an element: 2 in a complex one
  int packed = 1;            // elements in one of the dtype
};

// By the class of a storage or old tensor without its module ("FloatStorage", "FloatTensor"), by the name of
// a torch.dtype ("float32"), and of a dtype. The first two give null for an unknown name.
const TorchType* torch_type_of_class(std::string_view class_name, std::string_view ending);
const TorchType* torch_type_of_name(std::string_view name);
const TorchType& torch_type_of(DType dtype);

}  // namespace kiln::io
