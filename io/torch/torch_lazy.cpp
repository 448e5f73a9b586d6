// Elements that are meant otherwise than they lie in the file: conjugated, negated, several in a byte, and
// those that cannot be used where they are.

#include <cstring>

#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::io {
namespace {

// Two's complement, with or without a sign.
template <class T>
void negate_each(void* data, int64_t count) {
  auto* numbers = static_cast<T*>(data);
  for (int64_t i = 0; i < count; ++i) numbers[i] = T(0 - numbers[i]);
}
void negate_integers(void* data, int64_t count, int64_t width) {
  if (width == 1) return negate_each<uint8_t>(data, count);
  if (width == 2) return negate_each<uint16_t>(data, count);
  if (width == 4) return negate_each<uint32_t>(data, count);
  negate_each<uint64_t>(data, count);
}

bool has_sign_bit(DType dtype) {
  return is_floating(dtype) || dtype == DType::float8_e4m3fn || dtype == DType::float8_e5m2;
}

// A copy of the memory that the tensor reaches in which the signs of the numbers, or of the imaginary ones,
// are turned; by the strides it has, an element may be many.
Tensor resolve_signs(const Tensor& x, const TorchType& type, bool conj, bool neg) {
  const int64_t width = size_of(x.dtype()), count = x.layout().span(), word = width / type.numbers;
  const Tensor y = empty({count}, {.dtype = x.dtype(), .device = cpu});
  auto* to = static_cast<unsigned char*>(y.raw_data());
  if (count > 0) std::memcpy(to, x.raw_data(), size_t(count * width));
  if (type.is_plain && type.numbers == 1 && !has_sign_bit(x.dtype())) {
    if (neg && x.dtype() != bool8) negate_integers(to, count, width);
  } else {
    for (int64_t i = 0; i < count * type.numbers; ++i)  // the highest bit of a float
      if (neg != (conj && i % 2 == 1)) to[(i + 1) * word - 1] ^= 0x80;
  }
  Layout layout = x.layout();
  layout.offset = 0;
  return from_storage(y.impl()->storage, x.dtype(), layout);
}

// Numbers of less than a byte, the lowest bits first, as bytes.
Tensor unpack(const Storage& packed, const TorchType& type, int64_t count) {
  const Tensor y = empty({count}, {.dtype = uint8, .device = cpu});
  auto* to = static_cast<uint8_t*>(y.raw_data());
  const auto* from = static_cast<const uint8_t*>(packed.data);
  const int bits = 8 / type.packed;
  for (int64_t i = 0; i < count; ++i)
    to[i] = uint8_t(from[i / type.packed] >> (i % type.packed * bits) & ((1 << bits) - 1));
  return y;
}

}  // namespace

// Of a storage that lies anywhere in a mapped file: a copy, the same for all its tensors.
Ref<Storage> TorchTree::aligned(const Ref<Storage>& memory, int64_t width) {
  if (reinterpret_cast<uintptr_t>(memory->data) % uintptr_t(width) == 0) return memory;
  const auto [known, is_new] = aligned_.try_emplace(memory.get());
  if (is_new) {
    Ref<Storage> copy = Storage::allocate(memory->bytes, cpu);
    std::memcpy(copy->data, memory->data, size_t(memory->bytes));
    known->second = {memory, std::move(copy)};
  }
  return known->second.second;
}

Tensor TorchTree::unpacked(const Ref<Storage>& packed, const TorchType& type, const Layout& layout) {
  const int64_t count = layout.offset + layout.span();
  const auto read = [&](const Storage& bytes) { return unpack(bytes, type, count).impl()->storage; };
  spend(size_t(count) / kElementsOfABudget);
  if (packed->device.is_cpu()) return from_storage(read(*packed), uint8, layout);
  return from_storage(
      options_.outline->add(
          count, [packed, &type, count] { return unpack(*data_of(packed), type, count).impl()->storage; }),
      uint8, layout);
}

// {"conj": True, "neg": True}: elements that are meant conjugated or negated.
Tensor TorchTree::resolved(const Tensor& tensor, const TorchType& type, Id metadata) {
  if (graph_.kind(metadata) != Kind::dict) return tensor;
  const auto says = [&](const char* name) {
    const Id flag = graph_.find(metadata, name);
    return flag != PickleGraph::kNothing && graph_.integer(flag) != 0;
  };
  const bool conj = says("conj") && type.numbers > 1, neg = says("neg");
  if (!conj && !neg) return tensor;
  spend(size_t(tensor.layout().span()) / kElementsOfABudget);
  if (tensor.device().is_cpu()) return resolve_signs(tensor, type, conj, neg);
  Layout layout = tensor.layout();
  layout.offset = 0;
  return from_storage(
      options_.outline->add(layout.span() * size_of(tensor.dtype()),
                            [tensor, &type, conj, neg] {
                              return resolve_signs(with_data(tensor), type, conj, neg).impl()->storage;
                            }),
      tensor.dtype(), layout);
}

}  // namespace kiln::io
