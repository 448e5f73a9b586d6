#include <kiln/data/sets/mnist.h>

#include <kiln/data/sets/file.h>
#include <kiln/data/sets/idx.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

std::string find_file(const std::string& folder, const std::string& name, const char* advice) {
  for (const char* below : {"", "raw/"})
    for (const char* ending : {"", ".gz"})
      if (std::string path = join_path(folder, below + name + ending); file_exists(path)) return path;
  fail("{}: no such file, plain or with .gz{}", join_path(folder, name), advice);
}

TensorDataset read_part(const std::string& folder, bool train, const char* advice,
                        std::vector<std::string> class_names) {
  const std::string part = train ? "train" : "t10k";
  const std::string image_path = find_file(folder, part + "-images-idx3-ubyte", advice);
  const std::string label_path = find_file(folder, part + "-labels-idx1-ubyte", advice);
  const Tensor images = read_idx(image_path), bytes = read_idx(label_path);
  if (images.dtype() != uint8 || images.dim() != 3)
    fail("{}: needs uint8 images [count,height,width], holds {} {}", image_path, images.dtype(),
         images.shape());
  if (bytes.dtype() != uint8 || bytes.dim() != 1)
    fail("{}: needs uint8 labels [count], holds {} {}", label_path, bytes.dtype(), bytes.shape());
  const int64_t count = images.shape()[0], classes = int64_t(class_names.size());
  if (bytes.numel() != count)
    fail("{}: holds {} labels for the {} images of {}", label_path, bytes.numel(), count, image_path);
  Tensor labels = empty({count}, {.dtype = int64, .device = cpu});
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t label = bytes.data<uint8_t>()[i];
    if (label >= classes) fail("{}: label {} of sample {} is not below {}", label_path, label, i, classes);
    labels.data<int64_t>()[i] = label;
  }
  const Shape shape{count, 1, images.shape()[1], images.shape()[2]};
  return TensorDataset({from_storage(images.impl()->storage, uint8, Layout::contiguous(shape)), labels},
                       std::move(class_names));
}

}  // namespace

TensorDataset mnist(const std::string& folder, const PartOptions& options) {
  return read_part(folder, options.train, "; give the folder that holds the MNIST files",
                   {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
}

TensorDataset fashion_mnist(const std::string& folder, const PartOptions& options) {
  return read_part(
      folder, options.train,
      "; install Debian's package dataset-fashion-mnist, or give the folder that holds the files",
      {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
       "Ankle boot"});
}

}  // namespace kiln::data
