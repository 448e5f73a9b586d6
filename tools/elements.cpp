#include <kiln/tools/elements.h>

#include <cmath>
#include <complex>
#include <limits>

#include <kiln/io/bytes/pieces.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::tools {
namespace {

template <class T, class F>
void convert(std::string_view bytes, std::vector<Number>& out, F&& number) {
  const auto* data = reinterpret_cast<const T*>(bytes.data());
  for (size_t i = 0; i < bytes.size() / sizeof(T); ++i) out.push_back(number(data[i]));
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

void append(DType dtype, std::string_view bytes, std::vector<Number>& out) {
  const auto plain = [](auto value) { return Number(value); };
  switch (dtype) {
    case DType::uint16:
      return convert<uint16_t>(bytes, out, plain);
    case DType::uint32:
      return convert<uint32_t>(bytes, out, plain);
    case DType::uint64:
      return convert<uint64_t>(bytes, out, plain);
    case DType::bool8:
      return convert<uint8_t>(bytes, out, plain);  // a damaged file may hold bytes that are no bool
    case DType::complex64:
      return convert<float>(bytes, out, plain);
    case DType::complex128:
      return convert<double>(bytes, out, plain);
    case DType::float8_e4m3fn:
      return convert<uint8_t>(bytes, out, from_e4m3);
    case DType::float8_e5m2:
      return convert<uint8_t>(bytes, out, from_e5m2);
    default:
      return visit_number(dtype, "elements", [&]<class T>() {
        convert<T>(bytes, out, [](T value) {
          if constexpr (std::is_integral_v<T>)
            return Number(value);
          else
            return Number(double(value));
        });
      });
  }
}

}  // namespace

int numbers_of(DType dtype) { return dtype == DType::complex64 || dtype == DType::complex128 ? 2 : 1; }

Elements::Elements(const Tensor& x)
    : tensor_(io::with_data(x)), dtype_(x.dtype()), size_(x.numel()), width_(size_of(x.dtype())) {
  data_ = static_cast<const char*>(tensor_.raw_data());
  if (tensor_.is_contiguous()) return;
  copy_.reserve(size_t(size_ * width_));
  io::each_piece(tensor_, [&](const char* data, int64_t bytes) { copy_.append(data, size_t(bytes)); });
  data_ = copy_.data();
  tensor_ = {};
}

std::string_view Elements::bytes(int64_t begin, int64_t count) const {
  return {data_ + begin * width_, size_t(count * width_)};
}

const std::vector<Number>& Elements::numbers(int64_t begin, int64_t count) {
  numbers_.clear();
  append(dtype_, bytes(begin, count), numbers_);
  return numbers_;
}

void Elements::leave(int64_t begin, int64_t count) const {
  if (tensor_.defined() && io::is_mapped_to_read(*tensor_.impl()->storage))
    io::leave(data_ + begin * width_, count * width_);
}

}  // namespace kiln::tools
