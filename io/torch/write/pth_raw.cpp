// Integers that mean something else, where several are in a byte of PyTorch's.

#include <algorithm>

#include <kiln/io/bytes/pieces.h>
#include <kiln/io/torch/write/pth_content.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/value_children.h>

namespace kiln::io {
namespace {

// The bytes that PyTorch counts: each row of the last size begins a new one, though its elements do not.
int64_t packed_bytes(const Shape& shape, int64_t packed) {
  if (shape.rank() == 0) return 1;
  const int64_t last = shape.back(), rows = last == 0 ? 0 : numel(shape) / last;
  return rows * ((last + packed - 1) / packed);
}

}  // namespace

const Tensor* tensor_in(const Value& object, const char* name) {
  const Value* found = object.find(name);
  return found != nullptr && found->is_tensor() ? &found->as_tensor() : nullptr;
}

const TorchType* raw_type_of(const Value& object) {
  constexpr std::string_view kTorch = "torch.";
  if (!object.type().starts_with(kTorch)) return nullptr;
  const TorchType* type = torch_type_of_name(std::string_view(object.type()).substr(kTorch.size()));
  const Tensor* values = tensor_in(object, "values");
  return type == nullptr || type->is_plain || values == nullptr || values->dtype() != type->dtype ? nullptr
                                                                                                  : type;
}

Tensor packed_later(const Tensor& values, const TorchType& type) {
  const int64_t bytes = packed_bytes(values.shape(), type.packed);
  Ref<Storage> storage = Outline(false).add(bytes, [values, &type, bytes] {
    const Tensor result = empty({bytes}, {.dtype = uint8, .device = cpu});
    auto* const to = static_cast<uint8_t*>(result.raw_data());
    std::fill_n(to, bytes, uint8_t(0));
    const int bits = 8 / type.packed;
    int64_t i = 0;
    each_piece(values, [&](const char* data, int64_t count) {
      for (int64_t k = 0; k < count; ++k, ++i) {
        const auto value = static_cast<unsigned char>(data[k]);
        if (value >> bits != 0)
          fail("save: a value of a {} is {}, which has more than {} bits", type.name, value, bits);
        to[i / type.packed] |= uint8_t(value << (i % type.packed * bits));
      }
    });
    return result.impl()->storage;
  });
  return from_storage(std::move(storage), uint8, {{bytes}, {1}, 0});
}

std::unordered_map<const Tensor*, const TorchType*> packed_in(const Value& value) {
  std::unordered_map<const Tensor*, const TorchType*> found;
  std::vector<const Value*> pending = {&value};
  while (!pending.empty()) {
    const Children children(*pending.back());
    const Value& parent = *pending.back();
    pending.pop_back();
    const TorchType* type = parent.is_object() ? raw_type_of(parent) : nullptr;
    if (type != nullptr && type->packed > 1) found.emplace(tensor_in(parent, "values"), type);
    for (size_t i = 0; i < children.size(); ++i)
      if (children[i].kind() >= Value::Kind::tensor) pending.push_back(&children[i]);
  }
  return found;
}

}  // namespace kiln::io
