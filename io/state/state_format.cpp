#include <kiln/io/state/state_format.h>

#include <bit>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {

static_assert(std::endian::native == std::endian::little, "state files are written as memory lies");

namespace {

constexpr std::string_view kFormatNames[kDTypeCount] = {"F32", "F64", "F16", "BF16",    "I64",    "I32",
                                                        "I16", "I8",  "U8",  "BOOL",    "C64",    "F64",
                                                        "U16", "U32", "U64", "F8_E4M3", "F8_E5M2"};

}  // namespace

std::string_view format_name(DType dtype) { return kFormatNames[int(dtype)]; }

bool dtype_from_format(std::string_view name, DType* dtype) {
  for (int i = 0; i < kDTypeCount; ++i)
    if (kFormatNames[i] == name) {
      *dtype = DType(i);
      return true;
    }
  return false;
}

namespace {

// (safetensors/src/tensor.rs: Dtype)
constexpr RawFormat kRawFormats[] = {
    {"F8_E8M0", "torch.float8_e8m0fnu", 8},      {"F8_E4M3FNUZ", "torch.float8_e4m3fnuz", 8},
    {"F8_E5M2FNUZ", "torch.float8_e5m2fnuz", 8}, {"F4", "torch.float4_e2m1fn_x2", 4},
    {"F6_E2M3", "safetensors.F6_E2M3", 6},       {"F6_E3M2", "safetensors.F6_E3M2", 6},
};

}  // namespace

const RawFormat* raw_format(std::string_view format) {
  for (const RawFormat& raw : kRawFormats)
    if (raw.format == format) return &raw;
  return nullptr;
}

const RawFormat* raw_format_of_type(std::string_view type) {
  for (const RawFormat& raw : kRawFormats)
    if (raw.type == type) return &raw;
  return nullptr;
}

std::string hex(uint32_t checksum) { return fmt::format("{:08x}", checksum); }

std::string hex(std::string_view bytes) {
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    digits += "0123456789abcdef"[byte >> 4];
    digits += "0123456789abcdef"[byte & 15];
  }
  return digits;
}

bool from_hex(std::string_view digits, std::string* bytes) {
  const auto value = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  bytes->clear();
  if (digits.size() % 2 != 0) return false;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = value(digits[i]), low = value(digits[i + 1]);
    if (high < 0 || low < 0) return false;
    *bytes += char(high * 16 + low);
  }
  return true;
}

}  // namespace kiln::io
