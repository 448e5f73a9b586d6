#include <cmath>
#include <cstring>

#include <kiln/tensor/element.h>
#include <kiln/tensor/value.h>

namespace kiln {
namespace {

bool equal_tensors(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  if (!a.device().is_cpu() || !b.device().is_cpu())
    fail("value: tensors are compared on the CPU, these are on {} and {}", a.device(), b.device());
  const size_t width(size_of(a.dtype()));
  const auto* left = static_cast<const char*>(a.raw_data());
  const auto* right = static_cast<const char*>(b.raw_data());
  if (a.is_contiguous() && b.is_contiguous())
    return a.numel() == 0 || std::memcmp(left, right, size_t(a.numel()) * width) == 0;
  std::vector<int64_t> offsets;
  offsets.reserve(size_t(a.numel()));
  for_each_offset(a.layout(), [&](int64_t offset) { offsets.push_back(offset); });
  bool same = true;
  size_t i = 0;
  for_each_offset(b.layout(), [&](int64_t offset) {
    same = same &&
           std::memcmp(left + offsets[i++] * int64_t(width), right + offset * int64_t(width), width) == 0;
  });
  return same;
}

}  // namespace

bool Value::operator==(const Value& other) const {
  if (kind_ != other.kind_) return false;
  switch (kind_) {
    case Kind::none:
      return true;
    case Kind::boolean:
      return payload_.boolean == other.payload_.boolean;
    case Kind::integer:
      return payload_.integer == other.payload_.integer;
    case Kind::real:
      return payload_.real == other.payload_.real ||
             (std::isnan(payload_.real) && std::isnan(other.payload_.real));
    case Kind::string:
    case Kind::bytes:
      return *payload_.text == *other.payload_.text;
    case Kind::tensor:
      return equal_tensors(*payload_.tensor, *other.payload_.tensor);
    case Kind::list:
    case Kind::tuple:
      return *payload_.items == *other.payload_.items;
    case Kind::object:
      if (type() != other.type()) return false;
      break;
    case Kind::dict:
      break;
  }
  const std::vector<Entry>&a = entries(), &b = other.entries();
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!(a[i].key == b[i].key) || !(a[i].value == b[i].value)) return false;
  return true;
}

}  // namespace kiln
