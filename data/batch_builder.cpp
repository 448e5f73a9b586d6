#include <kiln/data/batch_builder.h>

#include <cstring>

#include <kiln/tensor/fail.h>

namespace kiln::data {
namespace {

// Runs f(position, sample); what it throws becomes an Error that names the sample.
template <class F>
void for_each_sample(std::span<const int64_t> samples, F&& f) {
  for (size_t i = 0; i < samples.size(); ++i) try {
      f(int64_t(i), samples[i]);
    } catch (const std::exception& error) {
      fail("data loader: sample {}: {}", samples[i], error.what());
    }
}

// Nobody but this handle can reach the memory.
bool is_alone(const Tensor& x) {
  return x.defined() && x.impl()->handles() == 1 && x.impl()->storage->handles() == 1;
}

// The address of sample `i` in a batch, and the strides of its elements.
char* part_of(const Tensor& batch, int64_t i) {
  return static_cast<char*>(batch.raw_data()) + i * batch.strides()[0] * size_of(batch.dtype());
}
Strides inner_strides(const Tensor& batch) {
  Strides strides = batch.strides();
  strides.erase(0);
  return strides;
}

}  // namespace

Tensor& Batch::no_part(size_t part) const {
  fail("batch: part {} was asked for, samples have {} tensors", part, tensors.size());
}

BatchBuilder::BatchBuilder(AnyDataset dataset, AnyTransform transform, uint64_t seed, MemoryFormat format)
    : dataset_(std::move(dataset)), transform_(std::move(transform)), seed_(seed), format_(format) {
  const Tensors* columns = dataset_->columns();
  if (!transform_ || columns == nullptr || (*columns)[0].dtype() != uint8 || (*columns)[0].dim() != 4) return;
  ImagePlan plan;
  if (!transform_->join(plan) || plan.values.empty()) return;
  Shape image = (*columns)[0].shape();
  image.erase(0);
  fused_.emplace(std::move(plan), image);
}

Tensor& BatchBuilder::make_part(Batch& batch, size_t part, int64_t count, DType dtype,
                                const Shape& sample) const {
  Shape shape = sample;
  shape.insert(0, count);
  const bool image = shape.rank() == 4 && is_floating(dtype);
  const MemoryFormat format = image ? format_ : MemoryFormat::contiguous;
  if (batch.tensors.size() <= part) batch.tensors.resize(part + 1);
  Tensor& old = batch.tensors[part];
  if (is_alone(old) && old.device().is_cpu() && old.impl()->storage->bytes == numel(shape) * size_of(dtype))
    return old = from_storage(old.impl()->storage, dtype, Layout::contiguous(shape, format));
  return old = empty(shape, {.dtype = dtype, .device = cpu, .memory_format = format});
}

void BatchBuilder::build(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const {
  const Tensors* columns = dataset_->columns();
  if (columns != nullptr && (fused_ || !transform_)) {
    gather(epoch, samples, batch);
  } else {
    stack(epoch, samples, batch);
  }
}

void BatchBuilder::gather(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const {
  const Tensors& columns = *dataset_->columns();
  batch.tensors.resize(columns.size());
  if (fused_) gather_images(epoch, samples, batch);
  for (size_t part = fused_ ? 1 : 0; part < columns.size(); ++part) {
    const Tensor& column = columns[part];
    Shape sample = column.shape();
    sample.erase(0);
    const Tensor& to = make_part(batch, part, int64_t(samples.size()), column.dtype(), sample);
    const int64_t row_bytes = numel(sample) * size_of(column.dtype());
    const bool same_order = to.is_contiguous();
    const Strides strides = inner_strides(to);
    for_each_sample(samples, [&](int64_t i, int64_t index) {
      const int64_t row = dataset_->row(index);
      if (same_order) {
        if (row_bytes != 0)
          std::memcpy(part_of(to, i), static_cast<const char*>(column.raw_data()) + row * row_bytes,
                      size_t(row_bytes));
      } else {
        copy_elements(from_storage(column.impl()->storage, column.dtype(), column.layout().select(0, row)),
                      part_of(to, i), strides);
      }
    });
  }
}

void BatchBuilder::gather_images(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const {
  const Tensor& images = (*dataset_->columns())[0];
  const Tensor& to = make_part(batch, 0, int64_t(samples.size()), float32, fused_->shape());
  const Strides strides = inner_strides(to);
  const int64_t image_bytes = images.strides()[0];
  for_each_sample(samples, [&](int64_t i, int64_t index) {
    RandomStream random(seed_, epoch, index);
    fused_->apply(images.data<uint8_t>() + dataset_->row(index) * image_bytes, random,
                  to.data<float>() + i * to.strides()[0], strides);
  });
}

void BatchBuilder::stack(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const {
  std::vector<Strides> strides;
  for_each_sample(samples, [&](int64_t i, int64_t index) {
    Tensors sample = dataset_->get(index);
    if (sample.empty()) fail("it has no tensors");
    for (const Tensor& x : sample)
      if (!x.defined() || !x.device().is_cpu()) fail("its tensors must be defined and on the CPU");
    if (transform_) {
      RandomStream random(seed_, epoch, index);
      sample[0] = transform_->apply(sample[0], random);
    }
    if (i == 0) {
      batch.tensors.resize(sample.size());
      for (size_t part = 0; part < sample.size(); ++part)
        strides.push_back(inner_strides(
            make_part(batch, part, int64_t(samples.size()), sample[part].dtype(), sample[part].shape())));
    }
    if (sample.size() != batch.tensors.size())
      fail("it has {} tensors, sample {} of the same batch has {}", sample.size(), samples[0],
           batch.tensors.size());
    for (size_t part = 0; part < sample.size(); ++part) {
      const Tensor &from = sample[part], &to = batch.tensors[part];
      Shape expected = to.shape();
      expected.erase(0);
      if (from.shape() != expected || from.dtype() != to.dtype())
        fail("tensor {} is {} {}, in sample {} of the same batch it is {} {}", part, from.dtype(),
             from.shape(), samples[0], to.dtype(), expected);
      copy_elements(from, part_of(to, i), strides[part]);
    }
  });
}

}  // namespace kiln::data
