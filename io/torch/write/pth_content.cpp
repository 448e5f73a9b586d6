#include <kiln/io/torch/write/pth_content.h>

#include <kiln/io/state/state_format.h>

namespace kiln::io {

// PyTorch's class of a storage of that dtype; null where only an untyped storage holds it.
const char* storage_class(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "FloatStorage";
    case DType::float64:
      return "DoubleStorage";
    case DType::float16:
      return "HalfStorage";
    case DType::bfloat16:
      return "BFloat16Storage";
    case DType::int64:
      return "LongStorage";
    case DType::int32:
      return "IntStorage";
    case DType::int16:
      return "ShortStorage";
    case DType::int8:
      return "CharStorage";
    case DType::uint8:
      return "ByteStorage";
    case DType::bool8:
      return "BoolStorage";
    case DType::complex64:
      return "ComplexFloatStorage";
    case DType::complex128:
      return "ComplexDoubleStorage";
    default:
      return nullptr;
  }
}

namespace {

size_t add(PthContent& content, const Tensor& source) {
  const bool keeps = source.layout().is_dense();
  const Layout flat = {{source.numel()}, {1}, source.layout().offset};
  content.records.push_back(
      {keeps ? from_storage(source.impl()->storage, source.dtype(), flat) : source, keeps});
  content.bytes += source.numel() * size_of(source.dtype());
  return content.records.size() - 1;
}

}  // namespace

PthContent pth_content(const Value& value) {
  const Plan plan = plan_blocks(value, {.align = false});
  const std::vector<const Tensor*> tensors = value.tensors();
  const auto packed = packed_in(value);
  PthContent content;
  constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> records(plan.blocks.size(), kNone);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Use& use = plan.uses[i];
    if (const auto found = packed.find(tensors[i]); found != packed.end()) {
      content.parts.push_back(
          {add(content, packed_later(*tensors[i], *found->second)), Layout::contiguous(tensors[i]->shape())});
      continue;
    }
    if (use.block == Use::kNoBlock) {
      content.parts.push_back({PthPart::kNoRecord, use.layout});
      continue;
    }
    const Tensor& source = plan.blocks[use.block].source;
    // A storage has one type, so a view of another becomes a copy.
    const bool copied = use.dtype != source.dtype();
    if (!copied && records[use.block] == kNone) records[use.block] = add(content, source);
    PthPart part = {copied ? add(content, *tensors[i]) : records[use.block], use.layout};
    if (copied || !use.is_view) {
      part.layout.offset = 0;
      if (!content.records[part.record].keeps_strides)
        part.layout.strides = contiguous_strides(use.layout.shape);
    }
    content.parts.push_back(part);
  }
  return content;
}

}  // namespace kiln::io
