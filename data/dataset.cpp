#include <kiln/data/dataset.h>

#include <algorithm>

#include <kiln/data/image.h>
#include <kiln/tensor/base/fail.h>

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

FunctionDataset::FunctionDataset(int64_t size, Function<Sample(int64_t)> make)
    : size_(size), make_(std::move(make)) {
  if (size < 0) fail("function dataset: size must be at least 0, got {}", size);
  if (!make_) fail("function dataset: the function is empty");
}

Sample FunctionDataset::sample(int64_t index) const {
  if (index < 0 || index >= size_)
    fail("function dataset: sample {} is out of range, there are {}", index, size_);
  return make_(index);
}

ConcatDataset::ConcatDataset(std::vector<AnyDataset> datasets) : datasets_(std::move(datasets)) {
  if (datasets_.empty()) fail("concat dataset: needs at least one dataset");
  int64_t end = 0;
  for (const AnyDataset& dataset : datasets_) {
    if (__builtin_add_overflow(end, dataset->size(), &end))
      fail("concat dataset: the sizes of the {} datasets have no sum in int64", datasets_.size());
    ends_.push_back(end);
  }
}

ConcatDataset::Place ConcatDataset::at(int64_t index) const {
  if (index < 0 || index >= size())
    fail("concat dataset: sample {} is out of range, there are {}", index, size());
  const auto part = size_t(std::ranges::upper_bound(ends_, index) - ends_.begin());
  return {*datasets_[part], part == 0 ? index : index - ends_[part - 1]};
}

Tensors ConcatDataset::get(int64_t index) const {
  const Place place = at(index);
  return place.dataset.get(place.index);
}

Sample ConcatDataset::sample(int64_t index) const {
  const Place place = at(index);
  return place.dataset.sample(place.index);
}

int64_t ConcatDataset::label(int64_t index) const {
  const Place place = at(index);
  return place.dataset.label(place.index);
}

}  // namespace kiln::data
