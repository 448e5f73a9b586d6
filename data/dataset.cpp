#include <kiln/data/dataset.h>

#include <cstring>

#include <kiln/data/image.h>
#include <kiln/tensor/fail.h>

namespace kiln::data {

int64_t Dataset::label(int64_t index) const {
  const Tensors sample = get(index);
  if (sample.empty()) fail("dataset: sample {} has no tensors, so it has no label", index);
  return sample.back().item<int64_t>();
}

const std::vector<std::string>& Dataset::class_names() const {
  static const std::vector<std::string> none;
  return none;
}

TensorDataset::TensorDataset(const Tensors& tensors, std::vector<std::string> class_names)
    : class_names_(std::move(class_names)) {
  if (tensors.empty()) fail("tensor dataset: needs at least one tensor");
  for (const Tensor& x : tensors) {
    if (!x.defined()) fail("tensor dataset: tensor {} is undefined", tensors_.size());
    if (!x.device().is_cpu())
      fail("tensor dataset: tensor {} is on {}; move it to the CPU", tensors_.size(), x.device());
    if (x.dim() == 0 || x.shape()[0] != tensors[0].shape()[0])
      fail("tensor dataset: all tensors need the same first size, tensor 0 is {}, tensor {} is {}",
           tensors[0].shape(), tensors_.size(), x.shape());
    tensors_.push_back(contiguous_copy(x));
  }
}

Tensors TensorDataset::get(int64_t index) const {
  if (index < 0 || index >= size())
    fail("tensor dataset: sample {} is out of range, there are {}", index, size());
  Tensors sample;
  sample.reserve(tensors_.size());
  for (const Tensor& x : tensors_)
    sample.push_back(from_storage(x.impl()->storage, x.dtype(), x.layout().select(0, index)));
  return sample;
}

int64_t TensorDataset::label(int64_t index) const {
  const Tensor& labels = tensors_.back();
  if (labels.dtype() == int64 && labels.dim() == 1 && index >= 0 && index < size())
    return labels.data<int64_t>()[index];
  return Dataset::label(index);
}

Subset::Subset(AnyDataset dataset, std::vector<int64_t> indices)
    : dataset_(std::move(dataset)), indices_(std::move(indices)) {
  for (const int64_t index : indices_)
    if (index < 0 || index >= dataset_->size())
      fail("subset: index {} is out of range, the dataset has {} samples", index, dataset_->size());
}

int64_t Subset::at(int64_t index) const {
  if (index < 0 || index >= size()) fail("subset: sample {} is out of range, there are {}", index, size());
  return indices_[size_t(index)];
}

}  // namespace kiln::data
