#pragma once

#include <string>

#include <kiln/data/dataset.h>

namespace kiln::data {

// Where Debian's package dataset-fashion-mnist puts the files.
inline constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

struct PartOptions {
  bool train = true;  // else the test part
};

// The four IDX files under their usual names (train-images-idx3-ubyte, t10k-labels-idx1-ubyte, ...), plain or
// with .gz, in the folder itself or in its raw/. Samples are {image uint8 [1,28,28], label int64 []}. Throws
// an Error that names the missing or damaged file.
TensorDataset mnist(const std::string& folder, const PartOptions& options = {});
TensorDataset fashion_mnist(const std::string& folder = kFashionMnistFolder, const PartOptions& options = {});

}  // namespace kiln::data
