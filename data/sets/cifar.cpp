#include <kiln/data/sets/cifar.h>

#include <cstring>

#include <kiln/data/sets/cifar_files.h>
#include <kiln/data/sets/file.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

// What tells the two sets apart.
struct Layouts {
  const char* set;
  const char *binary_folder, *python_folder;
  std::vector<std::string> files;  // without .bin
  int label_bytes, label;          // of a binary record: how many, and which one counts
  const char* labels_key;
  int64_t classes;
  const char *names_text, *names_pickle, *names_key;
};

// The folder that holds the first file, "" when none does.
std::string find_folder(const std::string& folder, const char* below, const std::string& file) {
  for (const std::string& candidate : {folder, join_path(folder, below)})
    if (file_exists(join_path(candidate, file))) return candidate;
  return "";
}

TensorDataset join_parts(const Layouts& layouts, const std::vector<CifarPart>& parts,
                         const std::vector<std::string>& paths, std::vector<std::string> names) {
  int64_t count = 0;
  for (const CifarPart& part : parts) count += part.images.shape()[0];
  Tensor images = empty({count, kCifarChannels, kCifarSize, kCifarSize}, {.dtype = uint8, .device = cpu});
  Tensor labels = empty({count}, {.dtype = int64, .device = cpu});
  int64_t at = 0;
  for (size_t p = 0; p < parts.size(); ++p) {
    const CifarPart& part = parts[p];
    if (part.images.numel() != 0)
      std::memcpy(images.data<uint8_t>() + at * kCifarImageBytes, part.images.raw_data(),
                  size_t(part.images.numel()));
    for (size_t i = 0; i < part.labels.size(); ++i) {
      if (part.labels[i] < 0 || part.labels[i] >= layouts.classes)
        fail("{}: label {} of sample {} is not in 0 .. {}", paths[p], part.labels[i], i, layouts.classes - 1);
      labels.data<int64_t>()[at++] = part.labels[i];
    }
  }
  return TensorDataset({images, labels}, std::move(names));
}

TensorDataset read_set(const std::string& folder, const Layouts& layouts, std::vector<std::string> names) {
  const std::string& first = layouts.files[0];
  const std::string binary = find_folder(folder, layouts.binary_folder, first + ".bin");
  const std::string python = binary.empty() ? find_folder(folder, layouts.python_folder, first) : "";
  if (binary.empty() && python.empty())
    fail("{}: neither {}.bin nor {} is there; give the folder that holds {}", folder, first, first,
         layouts.set);

  std::vector<CifarPart> parts;
  std::vector<std::string> paths;
  for (const std::string& file : layouts.files) {
    paths.push_back(binary.empty() ? join_path(python, file) : join_path(binary, file + ".bin"));
    parts.push_back(binary.empty() ? read_cifar_pickle(paths.back(), layouts.labels_key)
                                   : read_cifar_binary(paths.back(), layouts.label_bytes, layouts.label));
  }
  const std::string names_path =
      binary.empty() ? join_path(python, layouts.names_pickle) : join_path(binary, layouts.names_text);
  if (file_exists(names_path)) {
    names = binary.empty() ? read_names_pickle(names_path, layouts.names_key) : read_names_text(names_path);
    if (int64_t(names.size()) != layouts.classes)
      fail("{}: {} class names, expected {}", names_path, names.size(), layouts.classes);
  }
  return join_parts(layouts, parts, paths, std::move(names));
}

}  // namespace

TensorDataset cifar10(const std::string& folder, const PartOptions& options) {
  std::vector<std::string> files = {"test_batch"};
  if (options.train) files = {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"};
  const Layouts layouts = {
      "CIFAR-10", "cifar-10-batches-bin", "cifar-10-batches-py", std::move(files), 1, 0, "labels",
      10,         "batches.meta.txt",     "batches.meta",        "label_names"};
  return read_set(folder, layouts,
                  {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"});
}

TensorDataset cifar100(const std::string& folder, const Cifar100Options& options) {
  Layouts layouts = {"CIFAR-100",
                     "cifar-100-binary",
                     "cifar-100-python",
                     {options.train ? "train" : "test"},
                     2,
                     1,
                     "fine_labels",
                     100,
                     "fine_label_names.txt",
                     "meta",
                     "fine_label_names"};
  if (options.coarse) {
    layouts.label = 0;
    layouts.labels_key = "coarse_labels";
    layouts.classes = 20;
    layouts.names_text = "coarse_label_names.txt";
    layouts.names_key = "coarse_label_names";
  }
  return read_set(folder, layouts, {});
}

}  // namespace kiln::data
