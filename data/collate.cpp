#include <kiln/data/collate.h>

#include <algorithm>

#include <kiln/data/image.h>
#include <kiln/data/loading/stack.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::data {
namespace {

void stack_all(const std::vector<Sample>& samples, Batch& batch, const char* op) {
  const detail::BatchMemory memory;
  detail::Stacker stacker(memory, batch, int64_t(samples.size()));
  for (size_t i = 0; i < samples.size(); ++i) try {
      stacker.add(samples[i], int64_t(i));
    } catch (const Error& error) {
      fail("{}: sample {}: {}", op, i, error.what());
    }
}

Tensor filled(const Shape& shape, DType dtype, double value) {
  Tensor x = empty(shape, {.dtype = dtype, .device = cpu});
  visit_element(dtype, "pad_collate", [&]<class T>() {
    bool fits = true;
    if constexpr (std::is_integral_v<T>)
      fits = value >= double(std::numeric_limits<T>::min()) &&
             value < std::ldexp(1.0, std::numeric_limits<T>::digits) && value == std::floor(value);
    if (!fits) fail("pad_collate: {} cannot hold the value {}", dtype, value);
    std::fill_n(x.data<T>(), x.numel(), T(value));
  });
  return x;
}

// The tensors `part` of the samples under each other, filled up; takes them out of the samples, and leaves
// their lengths.
Tensor padded(std::vector<Sample>& samples, size_t part, double value) {
  const Tensor& first = samples[0].tensors[part];
  int64_t longest = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const Tensor& x = samples[i].tensors[part];
    Shape expected = first.shape();
    if (x.dim() > 0 && x.dim() == first.dim()) expected[0] = x.shape()[0];
    if (x.dim() == 0 || x.shape() != expected || x.dtype() != first.dtype())
      fail(
          "pad_collate: sample {}: tensor {} is {} {}, in sample 0 of the same batch it is {} {}; only the "
          "first "
          "of one or more dimensions may differ",
          i, part, x.dtype(), x.shape(), first.dtype(), first.shape());
    longest = std::max(longest, x.shape()[0]);
  }
  Shape shape = first.shape();
  shape[0] = longest;
  shape.insert(0, int64_t(samples.size()));
  const Tensor result = filled(shape, first.dtype(), value);
  for (size_t i = 0; i < samples.size(); ++i) {
    Tensor& x = samples[i].tensors[part];
    copy_elements(x, detail::part_of(result, int64_t(i)), detail::inner_strides(result));
  }
  return result;
}

}  // namespace

Batch default_collate(const std::vector<Sample>& samples) {
  Batch batch;
  stack_all(samples, batch, "default_collate");
  return batch;
}

Collate pad_collate(const PadOptions& options) {
  return [options](std::vector<Sample>& samples) {
    Tensors values, lengths;
    for (const size_t part : options.parts) {
      for (size_t i = 0; i < samples.size(); ++i)
        if (part >= samples[i].tensors.size() || !samples[i].tensors[part].defined())
          fail("pad_collate: part {} is to be padded, sample {} has {} tensors", part, i,
               samples[i].tensors.size());
      values.push_back(padded(samples, part, options.value));
      Tensor counts = empty({int64_t(samples.size())}, {.dtype = int64, .device = cpu});
      for (size_t i = 0; i < samples.size(); ++i) {
        Tensor& x = samples[i].tensors[part];
        counts.data<int64_t>()[i] = x.shape()[0];
        x = empty({0}, {.dtype = x.dtype(), .device = cpu});  // so that the others can be stacked
      }
      lengths.push_back(counts);
    }
    Batch batch;
    stack_all(samples, batch, "pad_collate");
    for (size_t i = 0; i < options.parts.size(); ++i) batch.tensors[options.parts[i]] = values[i];
    batch.tensors.insert(batch.tensors.end(), lengths.begin(), lengths.end());
    return batch;
  };
}

}  // namespace kiln::data
