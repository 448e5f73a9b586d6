#include <kiln/data/loading/stack.h>

#include <cstring>

#include <kiln/data/image.h>
#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/pinned.h>

namespace kiln::data::detail {
namespace {

// Nobody but this handle can reach the memory.
bool is_alone(const Tensor& x) {
  if (!x.defined() || x.impl()->handles() != 1 || x.impl()->storage->handles() != 1) return false;
  // Copies that come and go order what other threads did before they dropped theirs before what comes next.
  const Tensor tensor = x;  // NOLINT(performance-unnecessary-copy-initialization)
  const Ref<Storage> storage = x.impl()->storage;
  return true;
}

}  // namespace

char* part_of(const Tensor& tensor, int64_t i) {
  return static_cast<char*>(tensor.raw_data()) + i * tensor.strides()[0] * size_of(tensor.dtype());
}

Strides inner_strides(const Tensor& tensor) {
  Strides strides = tensor.strides();
  strides.erase(0);
  return strides;
}

Ref<Storage> BatchMemory::allocate(int64_t bytes) const {
  if constexpr (kCudaBuilt)
    if (pinned) {
      void* data = cuda::allocate_pinned(bytes);
      return Storage::adopt(data, bytes, cpu, data, cuda::release_pinned);
    }
  return Storage::allocate(bytes, cpu);
}

Tensor& BatchMemory::make(Batch& batch, size_t part, int64_t count, DType dtype, const Shape& sample) const {
  Shape shape = sample;
  shape.insert(0, count);
  const bool image = shape.rank() == 4 && is_floating(dtype);
  const Layout layout = Layout::contiguous(shape, image ? format : MemoryFormat::contiguous);
  const int64_t bytes = layout.numel() * size_of(dtype);
  if (batch.tensors.size() <= part) batch.tensors.resize(part + 1);
  Tensor& old = batch.tensors[part];
  // A device may still read pinned memory that the host has let go: its pool knows when it has ended.
  const bool again = !pinned && is_alone(old) && old.device().is_cpu() && old.impl()->storage->bytes == bytes;
  Ref<Storage> storage = again ? old.impl()->storage : nullptr;
  old = {};
  return old = from_storage(again ? std::move(storage) : allocate(bytes), dtype, layout);
}

Tensor BatchMemory::moved(const Tensor& x) const {
  if constexpr (kCudaBuilt)
    if (pinned && x.defined() && x.device().is_cpu() && !cuda::is_pinned(x.raw_data())) {
      const MemoryFormat kept =
          x.dim() == 4 && !x.is_contiguous() && x.is_contiguous(MemoryFormat::channels_last)
              ? MemoryFormat::channels_last
              : MemoryFormat::contiguous;
      const Layout layout = Layout::contiguous(x.shape(), kept);
      const Tensor y = from_storage(allocate(layout.numel() * size_of(x.dtype())), x.dtype(), layout);
      copy_elements(x, static_cast<char*>(y.raw_data()), y.strides());
      return y;
    }
  return x;
}

void Stacker::begin(const Sample& sample, int64_t number) {
  first_ = number;
  batch_.tensors.resize(sample.tensors.size());
  for (size_t part = 0; part < sample.tensors.size(); ++part) {
    const Tensor& x = sample.tensors[part];
    strides_.push_back(inner_strides(memory_.make(batch_, part, count_, x.dtype(), x.shape())));
  }
  batch_.texts.resize(sample.texts.size());
  for (auto& texts : batch_.texts) texts.resize(size_t(count_));
}

void Stacker::add(const Sample& sample, int64_t number) {
  if (sample.tensors.empty()) fail("it has no tensors");
  for (const Tensor& x : sample.tensors)
    if (!x.defined() || !x.device().is_cpu()) fail("its tensors must be defined and on the CPU");
  if (at_ == 0) begin(sample, number);
  if (sample.tensors.size() != batch_.tensors.size())
    fail("it has {} tensors, sample {} of the same batch has {}", sample.tensors.size(), first_,
         batch_.tensors.size());
  if (sample.texts.size() != batch_.texts.size())
    fail("it has {} texts, sample {} of the same batch has {}", sample.texts.size(), first_,
         batch_.texts.size());
  for (size_t part = 0; part < sample.tensors.size(); ++part) {
    const Tensor &from = sample.tensors[part], &to = batch_.tensors[part];
    Shape expected = to.shape();
    expected.erase(0);
    if (from.dtype() != to.dtype() || from.shape() != expected)
      fail("tensor {} is {} {}, in sample {} of the same batch it is {} {}{}", part, from.dtype(),
           from.shape(), first_, to.dtype(), expected,
           from.dtype() == to.dtype() ? "; data::pad_collate() as the loader's collate pads them" : "");
    copy_elements(from, part_of(to, at_), strides_[part]);
  }
  for (size_t part = 0; part < sample.texts.size(); ++part)
    batch_.texts[part][size_t(at_)] = sample.texts[part];
  ++at_;
}

}  // namespace kiln::data::detail
