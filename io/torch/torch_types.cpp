#include <kiln/io/torch/torch_types.h>

namespace kiln::io {
namespace {

// A plain type before the others of its dtype, for torch_type_of.
constexpr TorchType kTypes[] = {
    {"Double", "float64", float64},
    {"Float", "float32", float32},
    {"Half", "float16", float16},
    {"BFloat16", "bfloat16", bfloat16},
    {"Long", "int64", int64},
    {"Int", "int32", int32},
    {"Short", "int16", int16},
    {"Char", "int8", int8},
    {"Byte", "uint8", uint8},
    {"Bool", "bool", bool8},
    {"ComplexFloat", "complex64", DType::complex64, true, 2},
    {"ComplexDouble", "complex128", DType::complex128, true, 2},
    {"UInt16", "uint16", DType::uint16},
    {"UInt32", "uint32", DType::uint32},
    {"UInt64", "uint64", DType::uint64},
    {"Float8_e4m3fn", "float8_e4m3fn", DType::float8_e4m3fn},
    {"Float8_e5m2", "float8_e5m2", DType::float8_e5m2},
    {"Untyped", "uint8", uint8},
    {"_Untyped", "uint8", uint8},
    {"QInt8", "qint8", int8, false},
    {"QUInt8", "quint8", uint8, false},
    {"QInt32", "qint32", int32, false},
    {"QUInt4x2", "quint4x2", uint8, false, 1, 2},
    {"QUInt2x4", "quint2x4", uint8, false, 1, 4},
    {"ComplexHalf", "complex32", int32, false, 2},
    {"Float8_e4m3fnuz", "float8_e4m3fnuz", uint8, false},
    {"Float8_e5m2fnuz", "float8_e5m2fnuz", uint8, false},
    {"Float8_e8m0fnu", "float8_e8m0fnu", uint8, false},
    {"Bits8", "bits8", uint8, false},
    {"Bits16", "bits16", int16, false},
    {"Bits1x8", "bits1x8", uint8, false},
    {"Bits2x4", "bits2x4", uint8, false},
    {"Bits4x2", "bits4x2", uint8, false},
    {"Float4_e2m1fn_x2", "float4_e2m1fn_x2", uint8, false},
    {"BComplex32", "bcomplex32", int32, false, 2},
};

}  // namespace

const TorchType* torch_type_of_class(std::string_view class_name, std::string_view ending) {
  if (!class_name.ends_with(ending)) return nullptr;
  class_name.remove_suffix(ending.size());
  for (const TorchType& type : kTypes)
    if (type.storage == class_name) return &type;
  return nullptr;
}

const TorchType* torch_type_of_name(std::string_view name) {
  for (const TorchType& type : kTypes)
    if (type.name == name) return &type;
  return nullptr;
}

const TorchType& torch_type_of(DType dtype) {
  for (const TorchType& type : kTypes)
    if (type.dtype == dtype) return type;
  return kTypes[0];
}

}  // namespace kiln::io
