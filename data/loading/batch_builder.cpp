#include <kiln/data/loading/batch_builder.h>

#include <cstring>

#include <kiln/tensor/base/fail.h>

namespace kiln::data::detail {
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

}  // namespace

BatchBuilder::BatchBuilder(const Dataset* dataset, const LoaderOptions& options)
    : dataset_(dataset),
      transform_(options.transform),
      collate_(options.collate),
      names_(options.names),
      seed_(options.seed),
      memory_{options.memory_format, options.pin_memory && cuda_is_available()} {
  const Tensors* columns = dataset == nullptr || collate_ ? nullptr : dataset->columns();
  if (!transform_ || columns == nullptr || (*columns)[0].dtype() != uint8 || (*columns)[0].dim() != 4) return;
  ImagePlan plan;
  if (!transform_->join(plan) || plan.values.empty()) return;
  Shape image = (*columns)[0].shape();
  image.erase(0);
  fused_.emplace(std::move(plan), image);
}

void BatchBuilder::build(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const {
  const FactoriesOnCpu scope;
  if (!collate_ && dataset_->columns() != nullptr && (fused_ || !transform_)) {
    gather(epoch, samples, batch);
  } else {
    assemble(epoch, samples, batch, [&](int64_t i) { return dataset_->sample(samples[size_t(i)]); });
  }
  name(batch);
}

void BatchBuilder::build(int64_t epoch, std::span<const int64_t> numbers, std::vector<Sample>& samples,
                         Batch& batch) const {
  const FactoriesOnCpu scope;
  assemble(epoch, numbers, batch, [&](int64_t i) { return std::move(samples[size_t(i)]); });
  name(batch);
}

void BatchBuilder::gather(int64_t epoch, std::span<const int64_t> samples, Batch& batch) const {
  const Tensors& columns = *dataset_->columns();
  batch.tensors.resize(columns.size());
  batch.samples = int64_t(samples.size());
  if (fused_) gather_images(epoch, samples, batch);
  for (size_t part = fused_ ? 1 : 0; part < columns.size(); ++part) {
    const Tensor& column = columns[part];
    Shape sample = column.shape();
    sample.erase(0);
    const Tensor& to = memory_.make(batch, part, int64_t(samples.size()), column.dtype(), sample);
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
  const Tensor& to = memory_.make(batch, 0, int64_t(samples.size()), float32, fused_->shape());
  const Strides strides = inner_strides(to);
  const int64_t image_bytes = images.strides()[0];
  for_each_sample(samples, [&](int64_t i, int64_t index) {
    RandomStream random(seed_, epoch, index);
    fused_->apply(images.data<uint8_t>() + dataset_->row(index) * image_bytes, random,
                  to.data<float>() + i * to.strides()[0], strides);
  });
}

template <class Get>
void BatchBuilder::assemble(int64_t epoch, std::span<const int64_t> numbers, Batch& batch, Get&& get) const {
  const auto transformed = [&](int64_t i) {
    Sample sample = get(i);
    if (transform_) {
      if (sample.tensors.empty()) fail("it has no tensors");
      RandomStream random(seed_, epoch, numbers[size_t(i)]);
      transform_->apply_to(sample, random);
    }
    return sample;
  };
  batch.samples = int64_t(numbers.size());
  if (collate_) {
    std::vector<Sample> samples;
    samples.reserve(numbers.size());
    for_each_sample(numbers, [&](int64_t i, int64_t) { samples.push_back(transformed(i)); });
    return collate(numbers, samples, batch);
  }
  Stacker stacker(memory_, batch, int64_t(numbers.size()));
  for_each_sample(numbers, [&](int64_t i, int64_t number) { stacker.add(transformed(i), number); });
}

void BatchBuilder::collate(std::span<const int64_t> numbers, std::vector<Sample>& samples,
                           Batch& batch) const {
  Batch made;
  try {
    made = collate_(samples);
  } catch (const std::exception& error) {
    constexpr size_t kShown = 8;
    const size_t shown = std::min(kShown, numbers.size());
    fail("data loader: the batch of samples {}{}: {}",
         fmt::join(numbers.begin(), numbers.begin() + shown, ", "), shown < numbers.size() ? ", ..." : "",
         error.what());
  }
  batch.tensors.clear();
  for (const Tensor& x : made.tensors) batch.tensors.push_back(memory_.moved(x));
  batch.texts = std::move(made.texts);
}

void BatchBuilder::name(Batch& batch) const {
  if (names_.empty()) return;
  const size_t parts = batch.tensors.size() + batch.texts.size();
  if (names_.size() != parts)
    fail("data loader: names has {} entries, a batch has {} tensors and {} texts", names_.size(),
         batch.tensors.size(), batch.texts.size());
  batch.names = names_;
}

}  // namespace kiln::data::detail
