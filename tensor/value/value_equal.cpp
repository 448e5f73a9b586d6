#include <cmath>
#include <cstring>

#include <kiln/tensor/device/transfer.h>
#include <kiln/tensor/dtype/element.h>
#include <kiln/tensor/value/value.h>

namespace kiln {
namespace {

bool equal_tensors(const Tensor& x, const Tensor& y) {
  if (x.dtype() != y.dtype() || !(x.shape() == y.shape())) return false;
  const Tensor a = on_host(x), b = on_host(y);
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

// A stack of pairs instead of recursion: trees may be deeper than the stack.
bool Value::operator==(const Value& other) const {
  std::vector<std::pair<const Value*, const Value*>> pending = {{this, &other}};
  while (!pending.empty()) {
    const auto [a, b] = pending.back();
    pending.pop_back();
    if (a->kind_ != b->kind_) return false;
    if (!a->is_container()) {
      if (!a->equals_leaf(*b)) return false;
      continue;
    }
    if (a->size() != b->size()) return false;
    if (a->is_list() || a->is_tuple()) {
      for (size_t i = a->size(); i-- > 0;) pending.emplace_back(&a->items()[i], &b->items()[i]);
      continue;
    }
    if (a->is_object() && a->type() != b->type()) return false;
    for (size_t i = a->size(); i-- > 0;) {
      if (!(a->entries()[i].key == b->entries()[i].key)) return false;
      pending.emplace_back(&a->entries()[i].value, &b->entries()[i].value);
    }
  }
  return true;
}

// Of the same kind.
bool Value::equals_leaf(const Value& other) const {
  switch (kind_) {
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
    default:
      return true;
  }
}

}  // namespace kiln
