#pragma once

#include <string>
#include <vector>

#include <kiln/data/held.h>
#include <kiln/data/sample.h>
#include <kiln/tensor/base/function.h>
#include <kiln/tensor/tensor.h>

namespace kiln::data {

// What a loader reads; derive from it for data of your own. Worker threads call get() at the same time, and
// the same index must give the same sample each time (randomness belongs into transforms).
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  // Sample `index` of 0 .. size() - 1: CPU tensors, by convention {image, label}.
  virtual Tensors get(int64_t index) const = 0;
  // The same with its texts; what a loader reads. A dataset that has texts derives from SampleDataset.
  virtual Sample sample(int64_t index) const { return get(index); }

  // The label that a stratified split goes by; by default the sample's last tensor, which has one element.
  virtual int64_t label(int64_t index) const;
  virtual const std::vector<std::string>& class_names() const;

  // A dataset whose samples are rows of tensors in memory gives these: sample `index` is row `row(index)` of
  // each. Batches are then gathered without a Tensor for each sample.
  virtual const Tensors* columns() const { return nullptr; }
  virtual int64_t row(int64_t index) const { return index; }
};

// A shared handle to a dataset of any type; made implicitly from a value.
class AnyDataset : public Handle<Dataset> {
 public:
  template <class D>
  requires std::is_base_of_v<Dataset, D> AnyDataset(D dataset) : Handle(static_cast<D&&>(dataset)) {}
};

// Derive from it for samples that hold texts.
class SampleDataset : public Dataset {
 public:
  Sample sample(int64_t index) const override = 0;
  Tensors get(int64_t index) const final { return sample(index).tensors; }
};

// `size` samples, each made by a function of its index that worker threads call at the same time:
//
//     data::FunctionDataset squares(1000, [](int64_t i) { return Tensors{tensor(float(i)), tensor(i * i)}; });
//
class FunctionDataset : public SampleDataset {
 public:
  // Throws for a negative size or an empty function.
  FunctionDataset(int64_t size, Function<Sample(int64_t)> make);

  int64_t size() const override { return size_; }
  Sample sample(int64_t index) const override;

 private:
  int64_t size_;
  Function<Sample(int64_t)> make_;
};

// Tensors in memory that agree in their first size: sample i is {tensors[0][i], tensors[1][i], ...}. Samples
// are views; the tensors are copied only when they are not contiguous. Throws for tensors that do not agree
// or are not on the CPU.
class TensorDataset : public Dataset {
 public:
  explicit TensorDataset(const Tensors& tensors, std::vector<std::string> class_names = {});

  int64_t size() const override { return tensors_[0].shape()[0]; }
  Tensors get(int64_t index) const override;
  int64_t label(int64_t index) const override;
  const std::vector<std::string>& class_names() const override { return class_names_; }
  const Tensors* columns() const override { return &tensors_; }
  const Tensors& tensors() const { return tensors_; }

 private:
  Tensors tensors_;
  std::vector<std::string> class_names_;
};

// Some samples of a dataset, in the order given; an index may occur more than once. Throws when one is out of
// range.
class Subset : public Dataset {
 public:
  Subset(AnyDataset dataset, std::vector<int64_t> indices);

  int64_t size() const override { return int64_t(indices_.size()); }
  Tensors get(int64_t index) const override { return dataset_->get(at(index)); }
  Sample sample(int64_t index) const override { return dataset_->sample(at(index)); }
  int64_t label(int64_t index) const override { return dataset_->label(at(index)); }
  const std::vector<std::string>& class_names() const override { return dataset_->class_names(); }
  const Tensors* columns() const override { return dataset_->columns(); }
  int64_t row(int64_t index) const override { return dataset_->row(at(index)); }
  const std::vector<int64_t>& indices() const { return indices_; }

 private:
  int64_t at(int64_t index) const;

  AnyDataset dataset_;
  std::vector<int64_t> indices_;
};

// The samples of several datasets, one dataset after the other. Class names are those of the first. Throws
// for none.
class ConcatDataset : public Dataset {
 public:
  explicit ConcatDataset(std::vector<AnyDataset> datasets);

  int64_t size() const override { return ends_.back(); }
  Tensors get(int64_t index) const override;
  Sample sample(int64_t index) const override;
  int64_t label(int64_t index) const override;
  const std::vector<std::string>& class_names() const override { return datasets_[0]->class_names(); }

 private:
  struct Place {
    const Dataset& dataset;
    int64_t index;
  };
  Place at(int64_t index) const;

  std::vector<AnyDataset> datasets_;
  std::vector<int64_t> ends_;
};

struct SplitOptions {
  uint64_t seed = 0;
  bool stratify = false;  // each part has each label in proportion, to within one sample
};

// Random parts of a dataset that do not overlap. `lengths` are fractions with sum 1, or counts with sum
// size(). Of fractions each part gets the whole samples, and the first parts get the rest, one each (as in
// PyTorch).
std::vector<Subset> random_split(const AnyDataset& dataset, const std::vector<double>& lengths,
                                 const SplitOptions& options = {});

}  // namespace kiln::data
