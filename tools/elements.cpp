#include <kiln/tools/elements.h>

#include <cmath>
#include <complex>
#include <limits>

#include <kiln/tensor/dtype/element.h>

namespace kiln::tools {
namespace {

template <class T, class F>
std::vector<double> converted(const Tensor& x, F&& convert) {
  std::vector<double> out;
  out.reserve(size_t(x.numel()));
  const auto* data = static_cast<const T*>(x.raw_data());
  for_each_offset(x.layout(), [&](int64_t offset) { out.push_back(convert(data[offset])); });
  return out;
}

template <class T>
std::vector<double> complex_pairs(const Tensor& x) {
  std::vector<double> out;
  const auto* data = static_cast<const std::complex<T>*>(x.raw_data());
  for_each_offset(x.layout(), [&](int64_t offset) {
    out.push_back(double(data[offset].real()));
    out.push_back(double(data[offset].imag()));
  });
  return out;
}

// Micikevicius et al., FP8 formats for deep learning, 2022: E4M3 has no infinity and one NaN; E5M2 is the
// upper half of binary16.
double from_e4m3(uint8_t bits) {
  const int exponent = bits >> 3 & 15, fraction = bits & 7;
  if ((bits & 0x7f) == 0x7f) return std::numeric_limits<double>::quiet_NaN();
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8 + fraction, exponent - 10);
  return (bits & 0x80) != 0 ? -magnitude : magnitude;
}
double from_e5m2(uint8_t bits) {
  Half half;
  half.bits = uint16_t(bits << 8);
  return double(float(half));
}

}  // namespace

std::vector<double> elements_of(const Tensor& x) {
  const auto plain = [](auto value) { return double(value); };
  switch (x.dtype()) {
    case DType::uint16:
      return converted<uint16_t>(x, plain);
    case DType::uint32:
      return converted<uint32_t>(x, plain);
    case DType::uint64:
      return converted<uint64_t>(x, plain);
    case DType::bool8:
      return converted<uint8_t>(x, plain);  // a damaged file may hold bytes that are no bool
    case DType::complex64:
      return complex_pairs<float>(x);
    case DType::complex128:
      return complex_pairs<double>(x);
    case DType::float8_e4m3fn:
      return converted<uint8_t>(x, from_e4m3);
    case DType::float8_e5m2:
      return converted<uint8_t>(x, from_e5m2);
    default:
      return visit_number(x.dtype(), "elements", [&]<class T>() { return converted<T>(x, plain); });
  }
}

}  // namespace kiln::tools
