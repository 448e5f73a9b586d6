#pragma once

#include <string>

#include <kiln/data/sets/mnist.h>

namespace kiln::data {

// CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009) in the
// layouts that their authors publish: binary (data_batch_1.bin .. 5, test_batch.bin; train.bin, test.bin) or
// Python pickles (data_batch_1 .. 5, test_batch; train, test), in the folder itself or in the folder that the
// archive makes there. Samples are {image uint8 [3,32,32], label int64 []}. Class names come from the label
// files (batches.meta, fine_label_names.txt, ...) where they lie beside; CIFAR-10's are known. Throws an
// Error that names the missing or damaged file.
TensorDataset cifar10(const std::string& folder, const PartOptions& options = {});

struct Cifar100Options {
  bool train = true;
  bool coarse = false;  // the 20 superclasses
};
TensorDataset cifar100(const std::string& folder, const Cifar100Options& options = {});

}  // namespace kiln::data
