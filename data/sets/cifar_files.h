#pragma once

// Internal: one file of CIFAR.

#include <string>
#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln::data {

inline constexpr int64_t kCifarChannels = 3, kCifarSize = 32;
inline constexpr int64_t kCifarImageBytes = kCifarChannels * kCifarSize * kCifarSize;

struct CifarPart {
  Tensor images;  // uint8 [n, 3072]
  std::vector<int64_t> labels;
};

// Records of `label_bytes` labels, of which label `label` counts, and an image.
CifarPart read_cifar_binary(const std::string& path, int label_bytes, int label);
// A pickled dict {'data': array, labels_key: [int, ...]}.
CifarPart read_cifar_pickle(const std::string& path, const char* labels_key);

// Label names: one a line, or the list under `key` of a pickled dict.
std::vector<std::string> read_names_text(const std::string& path);
std::vector<std::string> read_names_pickle(const std::string& path, const char* key);

}  // namespace kiln::data
