#include <cmath>
#include <cstring>

#include <kiln/tensor/device/transfer.h>
#include <kiln/tensor/dtype/element.h>
#include <kiln/tensor/meta.h>
#include <kiln/tensor/value/value_box.h>
#include <kiln/tensor/value/value_children.h>

namespace kiln {
namespace {

bool equal_tensors(const Tensor& x, const Tensor& y) {
  if (x.dtype() != y.dtype() || !(x.shape() == y.shape())) return false;
  // Of the outline of a file the elements are elsewhere, and to compare it is an error.
  const auto is_empty = [](const Tensor& t) {
    return t.device() == meta && t.impl()->storage->last_write == nullptr;
  };
  if (is_empty(x) && is_empty(y)) return x.strides() == y.strides();
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

std::vector<const Value::Entry*> all(const std::vector<Value::Entry>& entries) {
  std::vector<const Value::Entry*> result;
  result.reserve(entries.size());
  for (const Value::Entry& entry : entries) result.push_back(&entry);
  return result;
}

// The attributes of a value that count.
std::vector<const Value::Entry*> compared(const Value& value) {
  std::vector<const Value::Entry*> result;
  if (value.attributes().is_none()) return result;
  for (const Value::Entry& entry : value.attributes().entries())
    if (!is_private(entry)) result.push_back(&entry);
  return result;
}

std::string_view class_of_attributes(const Value& value) {
  return value.attributes().is_object() ? std::string_view(value.attributes().type()) : "";
}

}  // namespace

// Entries of two dicts, in order: the strings among their keys are compared, all else is left to be. A key is
// compared by what it is and not, as Python does, by what it equals.
bool Value::pair_up(const std::vector<const Entry*>& a, const std::vector<const Entry*>& b, Pairs& pending) {
  if (a.size() != b.size()) return false;
  for (size_t i = a.size(); i-- > 0;) {
    const Key &x = a[i]->key, &y = b[i]->key;
    if (x.is_text() != y.is_text() || (x.is_text() && x.text() != y.text())) return false;
    if (!x.is_text()) pending.emplace_back(&x.value_, &y.value_);
    pending.emplace_back(&a[i]->value, &b[i]->value);
  }
  return true;
}

// A stack of pairs instead of recursion: trees may be deeper than the stack.
bool Value::operator==(const Value& other) const {
  Pairs pending = {{this, &other}};
  while (!pending.empty()) {
    const auto [a, b] = pending.back();
    pending.pop_back();
    if (a->kind_ != b->kind_) return false;
    if (a->is_boxed() && a->payload_.box == b->payload_.box) continue;
    if (!a->is_container() && !a->equals_leaf(*b)) return false;
    if (a->is_object() && a->type() != b->type()) return false;
    if (a->attributes_place() != nullptr &&
        (class_of_attributes(*a) != class_of_attributes(*b) || !pair_up(compared(*a), compared(*b), pending)))
      return false;
    if (a->is_list() || a->is_tuple()) {
      if (a->size() != b->size()) return false;
      for (size_t i = a->size(); i-- > 0;) pending.emplace_back(&a->items()[i], &b->items()[i]);
    } else if (a->is_container() && !pair_up(all(a->entries()), all(b->entries()), pending)) {
      return false;
    }
  }
  return true;
}

// Of the same kind, which has no children.
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
      return payload_.text->text == other.payload_.text->text;
    case Kind::tensor:
      return equal_tensors(payload_.held->tensor, other.payload_.held->tensor);
    default:
      return true;
  }
}

}  // namespace kiln
